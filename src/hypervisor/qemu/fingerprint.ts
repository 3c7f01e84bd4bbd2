import { readText } from '../../os/file.ts';
import { type FileIdentity, identityOf } from '../../os/file-identity.ts';
import type { MachineOptions } from '../hypervisor.ts';
import { chooseAccelerator } from './accelerator.ts';
import { commandLine } from './command-line.ts';
import { type QemuConfig, STRICT_SANDBOX } from './config.ts';
import { hostBogoMips } from './host-bogo-mips.ts';
import { NO_INTERFACES } from './interface-slots.ts';
import { hasTaps } from './interface-taps.ts';
import { checkMachine } from './preflight.ts';

/** All that shapes a guest: two guests of the same text may be clones of one. */
export interface Fingerprint {
  text: string;
  /** The files that it speaks of, each as it was: one that was replaced since makes the guest stale. */
  files: readonly FileIdentity[];
}

/**
 * What a guest of this configuration depends on, saved by the program `maker`. Throws what a start would throw for a file or number
 * that is wrong.
 */
export function fingerprintOf(config: QemuConfig, machine: MachineOptions, maker: string): Fingerprint {
  const path = checkMachine(config, machine);
  const accelerator = chooseAccelerator(config.accelerator).name;
  const args = commandLine(
    config,
    { ...machine, sandboxId: '' },
    {
      accelerator,
      sandbox: config.seccompSandbox ?? STRICT_SANDBOX,
      descriptors: { qmp: 0, console: 0, agent: { kind: 'serial', fd: 0 } },
      interfaces: NO_INTERFACES,
      origin: { kind: 'template', memoryPath: '', isRestored: false },
      bogoMips: hostBogoMips,
    },
  );
  const files = [path, machine.kernelPath, machine.initrdPath, maker].map(identityOf);
  const text = [
    ...files.flatMap((file) => [file.path, file.identity]),
    ...args,
    `taps ${hasTaps()}`,
    ...hostProcessor(),
  ].join('\n');
  return { text, files };
}

/** The processor as a guest may see it, and the kernel whose KVM shows it. One processor's lines stand for all. */
function hostProcessor(): string[] {
  const lines = readText('/proc/cpuinfo', 8192).split('\n');
  const first = ['vendor_id', 'model name', 'stepping', 'microcode', 'flags'].map(
    (name) => lines.find((line) => line.startsWith(name)) ?? '',
  );
  return [...first, readText('/proc/sys/kernel/osrelease').trim()];
}
