import type { WantedHash } from '../config/annotations/hashes.ts';
import type { HypervisorConfig } from '../config/config.ts';
import { KataError } from '../errors/kata-error.ts';
import { findVmm } from '../hypervisor/qemu/vmm-process.ts';
import { run } from '../os/process.ts';

/** Of coreutils: a kernel of 40 MiB takes it 0.1 s, and TypeScript a minute. */
const PROGRAM = 'sha512sum';
const TIMEOUT_MS = 60_000;

/** Throws `failed-precondition` unless each file that a sandbox's annotations speak of has the hash that they demand. */
export async function verifyHashes(hypervisor: HypervisorConfig, wanted: readonly WantedHash[]): Promise<void> {
  for (const { annotation, asset, sha512 } of wanted) {
    const path = fileOf(hypervisor, asset);
    const { status, stdout, stderr } = await run([PROGRAM, '--', path], { timeoutMs: TIMEOUT_MS });
    if (status.code !== 0)
      throw new KataError('failed-precondition', `annotation ${annotation}: ${path} cannot be read: ${stderr.trim()}`);
    // A name with a backslash or a line feed in it makes the line begin with a backslash.
    const found = stdout.replace(/^\\/, '').slice(0, 128);
    if (found === sha512) continue;
    throw new KataError(
      'failed-precondition',
      `annotation ${annotation}: ${path} is expected to have the SHA-512 ${sha512}, it has ${found}`,
      { hint: 'correct the annotation, or see who changed the file' },
    );
  }
}

function fileOf(hypervisor: HypervisorConfig, asset: WantedHash['asset']): string {
  if (asset === 'path') return findVmm(hypervisor.path);
  return asset === 'kernel' ? hypervisor.kernelPath : hypervisor.initrdPath;
}
