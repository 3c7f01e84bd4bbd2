import { KataError } from '../../errors/kata-error.ts';
import { isType, S, stat } from '../../os/stat.ts';
import type { MachineOptions } from '../hypervisor.ts';
import type { QemuConfig } from './config.ts';
import { findVmm } from './vmm-process.ts';

/** Throws what would only be a riddle in QEMU's words: a missing file, numbers that make no machine. The binary's path. */
export function checkMachine(config: QemuConfig, machine: MachineOptions): string {
  checkFile('kernel', machine.kernelPath);
  checkFile('initrd', machine.initrdPath);
  checkNumber('default_memory', machine.memoryMib);
  checkNumber('default_vcpus', machine.vcpus);
  return findVmm(config.path);
}

function checkFile(key: 'kernel' | 'initrd', path: string): void {
  const hint = `set ${key} in [hypervisor.qemu] to the guest's ${key}`;
  let regular: boolean;
  try {
    regular = isType(stat(path), S.IFREG);
  } catch (error) {
    const { code, message, errno } = KataError.from(error);
    throw new KataError(code, `the guest's ${key} is expected at ${path}: ${message}`, { hint, errno, cause: error });
  }
  if (!regular)
    throw new KataError('invalid-argument', `${path} is expected to be the guest's ${key}, it is no file`, { hint });
}

function checkNumber(key: string, value: number): void {
  if (Number.isInteger(value) && value > 0) return;
  throw new KataError('invalid-argument', `${key} is expected to be a whole number above 0, found ${value}`);
}
