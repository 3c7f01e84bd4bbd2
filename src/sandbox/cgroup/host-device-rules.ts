import type { OciDeviceRule } from '../../oci/spec.ts';
import { ACCESS, DEVICE_TYPE, type DeviceRule, type DeviceRules } from '../../os/cgroup/device-rule.ts';

/** A rule of the host's device cgroup; null stands for every number. */
export interface HostDeviceRule {
  allow: boolean;
  /** `a`: every device, whatever its numbers. */
  type: 'a' | 'b' | 'c';
  major: number | null;
  minor: number | null;
  /** Letters of `rwm`. */
  access: string;
}

/** What shim and QEMU open of the host, as far as it is there. */
export const HOST_DEVICES: readonly string[] = [
  ...['/dev/null', '/dev/random', '/dev/full', '/dev/tty', '/dev/zero', '/dev/urandom', '/dev/console'],
  // Unlike Kata: there need not be any, the guest's code may be translated.
  ...['/dev/kvm', '/dev/mshv'],
  ...['/dev/vhost-net', '/dev/vfio/vfio', '/dev/vhost-vsock'],
];

export const allowDevice = (
  type: 'b' | 'c',
  major: number | null,
  minor: number | null,
  access = 'rwm',
): HostDeviceRule => ({ allow: true, type, major, minor, access });

const PTMX = allowDevice('c', 5, 2);
/** What is always allowed: a node of any device may be made, terminals, net/tun; null and urandom, whatever /dev holds. */
const ALWAYS: readonly HostDeviceRule[] = [
  allowDevice('c', null, null, 'm'),
  allowDevice('b', null, null, 'm'),
  allowDevice('c', 136, null),
  allowDevice('c', 10, 200),
  allowDevice('c', 1, 3),
  allowDevice('c', 1, 9),
];

/**
 * The rules of a sandbox's device cgroup: those of its spec, and what shim and QEMU need. Empty when the spec denies nothing,
 * as a privileged pod's.
 *
 * @param devices what is there of `HOST_DEVICES`
 * @param debug QEMU makes a pseudo-terminal, upstream's way to a debug console
 */
export function hostDeviceRules(
  spec: readonly OciDeviceRule[],
  devices: readonly HostDeviceRule[],
  debug: boolean,
): HostDeviceRule[] {
  const rules = spec.map(toRule);
  const last = rules.findLastIndex(({ type }) => type === 'a');
  const own = last < 0 ? rules : rules.slice(last);
  if (own.every(({ allow }) => allow)) return [];
  return [...own, ...ALWAYS, ...(debug ? [PTMX] : []), ...devices];
}

function toRule({ allow, type = '', major, minor, access = 'rwm' }: OciDeviceRule): HostDeviceRule {
  const number = (value: number | bigint | undefined): number | null =>
    value === undefined || value < 0 ? null : Number(value);
  const numbers = { major: number(major), minor: number(minor) };
  const isForAll = numbers.major === null && numbers.minor === null;
  // A rule with numbers and no type is for disks in no container that we know of.
  const kind = type === 'b' ? 'b' : type === 'c' || type === 'u' || !isForAll ? 'c' : 'a';
  return { allow, type: kind, ...numbers, access };
}

/** As it is written to `devices.allow` and `devices.deny` (admin-guide/cgroup-v1/devices). */
export function deviceLine({ type, major, minor, access }: HostDeviceRule): string {
  return `${type} ${major ?? '*'}:${minor ?? '*'} ${access}`;
}

/** The same rules for the filter that cgroup v2 has. */
export function toDeviceRules(rules: readonly HostDeviceRule[]): DeviceRules {
  const [first] = rules;
  const startsWithAll = first?.type === 'a';
  return {
    allowByDefault: startsWithAll ? first.allow : true,
    rules: rules.slice(startsWithAll ? 1 : 0).map(
      ({ allow, type, major, minor, access }): DeviceRule => ({
        allow,
        type: type === 'b' ? DEVICE_TYPE.BLOCK : DEVICE_TYPE.CHARACTER,
        major,
        minor,
        access:
          (access.includes('m') ? ACCESS.MKNOD : 0) |
          (access.includes('r') ? ACCESS.READ : 0) |
          (access.includes('w') ? ACCESS.WRITE : 0),
      }),
    ),
  };
}
