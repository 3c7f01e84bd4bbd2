import { addressOf, syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { check, ERRNO } from '../../os/errno.ts';
import { close } from '../../os/fd.ts';
import { utf8Encode } from '../../os/utf8.ts';
import type { LinuxDevice, LinuxDeviceCgroup } from '../../protocols/gen/oci.ts';
import { NR } from '../../syscall/numbers.ts';
import type { Cgroup } from './cgroup.ts';
import { deviceProgram, INSTRUCTION_SIZE } from './device-program.ts';
import { type DeviceRules, effectiveDeviceRules } from './device-rules.ts';

const BPF_PROG_LOAD = 5;
const BPF_PROG_ATTACH = 8;
const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
const BPF_CGROUP_DEVICE = 6;
/** Cgroups below may have filters too, as systemd in a container wants; what any of them denies is denied. */
const BPF_F_ALLOW_MULTI = 2;
/** Ours calls no function of the kernel, which is what some licences are needed for. */
const LICENSE = 'Apache-2.0\0';
const NAME = 'kata_devices';

/**
 * Limits the devices that the processes of a cgroup, and of those below, may use from now on; descriptors that are open
 * already stay so. The filter goes with the cgroup. See `effectiveDeviceRules` for what may be used.
 *
 * Unlike Kata: cgroup v2 has no files for this, so its agent limits nothing there.
 *
 * `failed-precondition` when the guest's kernel cannot: a container that was to be limited does not run without limits.
 */
export function limitDevices(
  cgroup: Cgroup,
  rules: readonly LinuxDeviceCgroup[],
  devices: readonly LinuxDevice[],
): void {
  const effective = effectiveDeviceRules(rules, devices);
  if (effective === null) return;
  attach(cgroup, programFor(effective));
}

/** The program that was loaded last and its rules. Most containers of a pod have the same, and loading takes 3 ms under TCG. */
let last: { key: string; program: number } | undefined;

function programFor(rules: DeviceRules): number {
  const key = JSON.stringify(rules);
  if (last?.key === key) return last.program;
  const program = load(deviceProgram(rules));
  if (last !== undefined) close(last.program);
  last = { key, program };
  return program;
}

function load(instructions: Uint8Array): number {
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
    throw new KataError('failed-precondition', 'a kernel that filters the use of devices is expected in the guest', {
      hint: 'build it with CONFIG_BPF_SYSCALL and CONFIG_CGROUP_BPF',
      errno: fd === -ERRNO.ENOSYS ? 'ENOSYS' : 'EINVAL',
    });
  return check(fd, 'load the device filter');
}

function attach(cgroup: Cgroup, program: number): void {
  const cgroupFd = cgroup.open();
  try {
    // union bpf_attr: target, program, type, flags, program to be replaced.
    const attributes = new Uint32Array([cgroupFd, program, BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI, 0]);
    const attached = syscall(NR.bpf, BPF_PROG_ATTACH, attributes, attributes.byteLength);
    check(attached, `attach the device filter to ${cgroup.path}`);
  } finally {
    close(cgroupFd);
  }
}
