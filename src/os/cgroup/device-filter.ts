import { addressOf, syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { NR } from '../../syscall/numbers.ts';
import { check, ERRNO } from '../errno.ts';
import { close, O, open } from '../fd.ts';
import { utf8Encode } from '../utf8.ts';
import { deviceProgram, INSTRUCTION_SIZE } from './device-program.ts';
import type { DeviceRules } from './device-rule.ts';

const BPF_PROG_LOAD = 5;
const BPF_PROG_ATTACH = 8;
const BPF_PROG_DETACH = 9;
const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
const BPF_CGROUP_DEVICE = 6;
/** Cgroups below may have filters too, as systemd in a container wants; what any of them denies is denied. */
const BPF_F_ALLOW_MULTI = 2;
/** Ours calls no function of the kernel, which is what some licences are needed for. */
const LICENSE = 'Apache-2.0\0';
const NAME = 'kata_devices';

/** Loads the filter that these rules make: a descriptor, the caller's. `failed-precondition` when this kernel has none. */
export function loadDeviceFilter(rules: DeviceRules): number {
  const instructions = deviceProgram(rules);
  const license = utf8Encode(LICENSE);
  // union bpf_attr: type, instructions and their number, licence, the verifier's log (none), kernel version, flags, name.
  const attributes = new Uint8Array(72);
  const view = new DataView(attributes.buffer);
  view.setUint32(0, BPF_PROG_TYPE_CGROUP_DEVICE, true);
  view.setUint32(4, instructions.length / INSTRUCTION_SIZE, true);
  view.setBigUint64(8, addressOf(instructions), true);
  view.setBigUint64(16, addressOf(license), true);
  attributes.set(utf8Encode(NAME), 48);
  view.setUint32(68, BPF_CGROUP_DEVICE, true);
  const fd = syscall(NR.bpf, BPF_PROG_LOAD, attributes, attributes.length);
  if (fd === -ERRNO.ENOSYS || fd === -ERRNO.EINVAL)
    throw new KataError('failed-precondition', 'a kernel that filters the use of devices is expected', {
      hint: 'use a kernel with CONFIG_BPF_SYSCALL and CONFIG_CGROUP_BPF',
      errno: fd === -ERRNO.ENOSYS ? 'ENOSYS' : 'EINVAL',
    });
  return check(fd, 'load the device filter');
}

/** Puts a cgroup v2 and those below under a filter. It goes with the cgroup. */
export function attachDeviceFilter(cgroupPath: string, program: number): void {
  // union bpf_attr: target, program, type, flags.
  change(BPF_PROG_ATTACH, cgroupPath, program, BPF_F_ALLOW_MULTI);
}

/** Takes a filter away. One that is not there is fine. */
export function detachDeviceFilter(cgroupPath: string, program: number): void {
  change(BPF_PROG_DETACH, cgroupPath, program, 0);
}

function change(command: number, cgroupPath: string, program: number, flags: number): void {
  const cgroupFd = open(cgroupPath, O.PATH | O.DIRECTORY);
  try {
    const attributes = new Uint32Array([cgroupFd, program, BPF_CGROUP_DEVICE, flags, 0]);
    const result = syscall(NR.bpf, command, attributes, attributes.byteLength);
    if (command === BPF_PROG_DETACH && result === -ERRNO.ENOENT) return;
    check(result, `${command === BPF_PROG_ATTACH ? 'attach' : 'detach'} the device filter of ${cgroupPath}`);
  } finally {
    close(cgroupFd);
  }
}
