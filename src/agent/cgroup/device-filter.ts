import { addressOf, syscall } from 'sys';
import { check } from '../../os/errno.ts';
import { close, O, open } from '../../os/fd.ts';
import { utf8Encode } from '../../os/utf8.ts';
import type { LinuxDevice, LinuxDeviceCgroup } from '../../protocols/gen/oci.ts';
import { NR } from '../../syscall/numbers.ts';
import { deviceProgram, deviceRules } from './device-program.ts';

/** bpf(2), linux/bpf.h. */
const BPF_PROG_LOAD = 5;
const BPF_PROG_ATTACH = 8;
const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
const BPF_CGROUP_DEVICE = 6;
const INSTRUCTION_BYTES = 8;

/** Whether a container may use every device there is, as privileged ones may. */
export function allowsEveryDevice(rules: readonly LinuxDeviceCgroup[]): boolean {
  return rules.some(({ allow, type, access }) => allow && (type === 'a' || type === '') && access.includes('w'));
}

/**
 * Lets the processes of a cgroup open the default devices and `devices` only: cgroup v2 has no file for that, but takes a
 * program. It goes with the cgroup.
 */
export function filterDevices(cgroupPath: string, devices: readonly LinuxDevice[]): void {
  const program = load(deviceProgram(deviceRules(devices)));
  try {
    const group = open(cgroupPath, O.RDONLY | O.DIRECTORY);
    try {
      const attributes = new Uint32Array([group, program, BPF_CGROUP_DEVICE, 0]);
      check(
        syscall(NR.bpf, BPF_PROG_ATTACH, attributes, attributes.byteLength),
        `attach a device filter to ${cgroupPath}`,
      );
    } finally {
      close(group);
    }
  } finally {
    close(program);
  }
}

function load(instructions: Uint8Array): number {
  const license = utf8Encode('GPL\0');
  const attributes = new Uint8Array(48);
  const fields = new DataView(attributes.buffer);
  fields.setUint32(0, BPF_PROG_TYPE_CGROUP_DEVICE, true);
  fields.setUint32(4, instructions.length / INSTRUCTION_BYTES, true);
  fields.setBigUint64(8, addressOf(instructions), true);
  fields.setBigUint64(16, addressOf(license), true);
  return check(syscall(NR.bpf, BPF_PROG_LOAD, attributes, attributes.length), 'load a device filter');
}
