import { syscall } from 'sys';
import type { FactoryConfig } from '../../config/config.ts';
import { KataError } from '../../errors/kata-error.ts';
import { isErrno } from '../../os/errno.ts';
import { exists, readlink } from '../../os/file.ts';
import { spawn } from '../../os/process.ts';
import { sleep } from '../../os/timer.ts';
import { NR } from '../../syscall/numbers.ts';
import { ask } from './exchange.ts';
import type { PoolRequest, PoolStatus } from './protocol.ts';

const ANSWER_TIMEOUT_MS = 10_000;
const POLL_MS = 50;
/** A pool listens within milliseconds. One that does not by then has ended. */
const RESPAWN_MS = 5000;
/** A VM takes a second to be warmed up under emulation, on a busy machine several; then all of them, one by one. */
const FILL_TIMEOUT_MS = 180_000;

/** How full the pool is; null when there is none. */
export function poolStatus(factory: FactoryConfig): Promise<PoolStatus | null> {
  return askPool(factory, { kind: 'status' });
}

/** Ends the pool and the VMs that wait; VMs that were given away go on. None there is fine. */
export async function stopPool(factory: FactoryConfig): Promise<void> {
  const status = await askPool(factory, { kind: 'stop' });
  if (status === null) return;
  while (syscall(NR.kill, status.pid, 0) === 0 && exists(factory.vmCacheEndpoint)) await sleep(POLL_MS);
}

/** Starts the pool unless it is there, and waits until it is full. */
export async function startPool(factory: FactoryConfig, configPath: string): Promise<PoolStatus> {
  const deadlineMs = Date.now() + FILL_TIMEOUT_MS;
  let spawnedMs = 0;
  for (;;) {
    const status = await poolStatus(factory);
    // One that was being ended when we came may have answered first, or kept the new one from its place.
    if (status === null && Date.now() - spawnedMs > RESPAWN_MS) {
      spawnPool(configPath);
      spawnedMs = Date.now();
    }
    if (status !== null && status.ready >= status.wanted) return status;
    const problem = status?.lastFailure ?? '';
    if (problem !== '') throw new KataError('internal', `the pool's VMs do not start: ${problem}`);
    if (Date.now() > deadlineMs)
      throw new KataError(
        'deadline-exceeded',
        `${factory.vmCacheNumber} waiting VMs are expected within ${FILL_TIMEOUT_MS / 1000} s, found ${status?.ready ?? 'no pool'}`,
      );
    await sleep(POLL_MS);
  }
}

function spawnPool(configPath: string): void {
  const self = readlink('/proc/self/exe');
  const program = `${self.slice(0, self.lastIndexOf('/'))}/containerd-shim-kata-v2`;
  spawn([program, 'pool', configPath], { newSession: true, cwd: '/' });
}

async function askPool(factory: FactoryConfig, request: PoolRequest): Promise<PoolStatus | null> {
  try {
    return (await ask(factory.vmCacheEndpoint, request, [], ANSWER_TIMEOUT_MS)) as PoolStatus;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ECONNREFUSED')) return null;
    throw error;
  }
}
