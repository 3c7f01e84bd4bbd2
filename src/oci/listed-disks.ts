import { isAllowedEveryDevice } from './host-device.ts';
import type { OciDevice, OciDeviceRule, OciSpec } from './spec.ts';

/** A disk of the host that a container may use: an entry of `linux.devices`, such as a raw volume of Kubernetes. */
export interface ListedDisk {
  device: OciDevice;
  /** Of `r`, `w` and `m`, what the rules for devices allow; empty: only the node is there. */
  access: string;
}

/** The disks of a spec, but for those of a privileged container, which lists all devices that the host has. */
export function listedDisks(spec: OciSpec): ListedDisk[] {
  if (isAllowedEveryDevice(spec)) return [];
  const disks = (spec.linux?.devices ?? []).filter(({ type }) => type === 'b');
  return disks.map((device) => ({ device, access: accessOf(device, spec.linux?.resources?.devices ?? []) }));
}

function accessOf(device: OciDevice, rules: readonly OciDeviceRule[]): string {
  const allowed = new Set<string>();
  for (const { allow, type = 'a', major, minor, access = 'rwm' } of rules) {
    if (type === 'c' || !matches(major, device.major) || !matches(minor, device.minor)) continue;
    for (const letter of access) allow ? allowed.add(letter) : allowed.delete(letter);
  }
  return [...'rwm'].filter((letter) => allowed.has(letter)).join('');
}

const matches = (rule: OciDeviceRule['major'], number = 0): boolean =>
  rule === undefined || Number(rule) < 0 || Number(rule) === number;
