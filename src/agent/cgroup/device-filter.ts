import { attachDeviceFilter, loadDeviceFilter } from '../../os/cgroup/device-filter.ts';
import type { DeviceRules } from '../../os/cgroup/device-rule.ts';
import { close } from '../../os/fd.ts';
import type { LinuxDevice, LinuxDeviceCgroup } from '../../protocols/gen/oci.ts';
import type { Cgroup } from './cgroup.ts';
import { effectiveDeviceRules } from './device-rules.ts';

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
  attachDeviceFilter(cgroup.path, programFor(effective));
}

/** The program that was loaded last and its rules. Most containers of a pod have the same, and loading takes 3 ms under TCG. */
let last: { key: string; program: number } | undefined;

function programFor(rules: DeviceRules): number {
  const key = JSON.stringify(rules);
  if (last?.key === key) return last.program;
  const program = loadDeviceFilter(rules);
  if (last !== undefined) close(last.program);
  last = { key, program };
  return program;
}
