import { KataError } from '../../errors/kata-error.ts';
import { listDirectoryIfExists } from '../../os/directory.ts';
import { isErrno } from '../../os/errno.ts';
import { exists, readTextIfExists, writeControl } from '../../os/file.ts';
import { sleep } from '../../os/timer.ts';
import { log } from '../log/log.ts';

const CPUS = '/sys/devices/system/cpu';
const MEMORY = '/sys/devices/system/memory';
/** How often, and how long in all, plugged CPUs are looked for: upstream's numbers. */
const RETRY_MS = 50;
const RETRIES = 100;

/**
 * Takes plugged CPUs into use, `count` of them; waits for those that are announced and not there yet. Fewer are an
 * error after five seconds. Cgroups of version 2 follow by themselves.
 */
export async function onlineCpus(count: number): Promise<void> {
  let missing = count;
  for (let attempt = 0; missing > 0 && attempt < RETRIES; attempt++) {
    if (attempt > 0) await sleep(RETRY_MS);
    for (const name of listDirectoryIfExists(CPUS)) {
      if (missing > 0 && /^cpu\d+$/.test(name) && putOnline(`${CPUS}/${name}/online`, '0', '1')) missing--;
    }
  }
  if (missing > 0)
    throw new KataError('deadline-exceeded', `${count} CPUs are expected to come, ${count - missing} came`, {
      hint: 'see that the host has plugged them in',
    });
}

/** Takes plugged memory into use, all there is. */
export function onlineMemory(): void {
  for (const name of listDirectoryIfExists(MEMORY)) {
    if (/^memory\d+$/.test(name)) putOnline(`${MEMORY}/${name}/state`, 'offline', 'online');
  }
}

/** Whether it was off, and now is on. */
function putOnline(path: string, off: string, on: string): boolean {
  if (readTextIfExists(path)?.trim() !== off) return false;
  try {
    writeControl(path, on);
    return true;
  } catch (error) {
    log.warn('cannot be taken into use', { path, error });
    return false;
  }
}

/** The size of the blocks in which memory is plugged; 0 where the kernel cannot plug memory. */
export function memoryBlockBytes(): bigint {
  const text = readTextIfExists(`${MEMORY}/block_size_bytes`)?.trim() ?? '0';
  return BigInt(`0x${text}`);
}

/** Whether the kernel must be told where plugged memory is: where no firmware tells. */
export function hasMemoryProbe(): boolean {
  return exists(`${MEMORY}/probe`);
}

/** Tells the kernel of plugged memory at these physical addresses. */
export function probeMemory(addresses: readonly bigint[]): void {
  for (const address of addresses) {
    try {
      writeControl(`${MEMORY}/probe`, `0x${address.toString(16)}`);
    } catch (error) {
      if (isErrno(error, 'ENOENT'))
        throw new KataError('failed-precondition', `${MEMORY}/probe is expected, this kernel has it not`, {
          hint: 'firmware announces plugged memory on this machine',
        });
      throw error;
    }
  }
}
