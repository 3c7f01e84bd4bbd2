import { lastRuleForAll } from '../../oci/device-rules.ts';
import { ACCESS, ALL_ACCESS, DEVICE_TYPE, type DeviceRule, type DeviceRules } from '../../os/cgroup/device-rule.ts';
import type { LinuxDevice, LinuxDeviceCgroup } from '../../protocols/gen/oci.ts';

const allowed = (type: number, major: number | null, minor: number | null, access: number): DeviceRule => ({
  allow: true,
  type,
  major,
  minor,
  access,
});
const character = (major: number, minor: number | null): DeviceRule =>
  allowed(DEVICE_TYPE.CHARACTER, major, minor, ALL_ACCESS);

/**
 * What every container may use, whatever its rules say: runc's list. A node may be made of any device, but not opened.
 * Unlike Kata: the console (5:1) is not among them. In a guest it is that of the VM, and its log.
 */
const DEFAULT_RULES: readonly DeviceRule[] = [
  allowed(DEVICE_TYPE.CHARACTER, null, null, ACCESS.MKNOD),
  allowed(DEVICE_TYPE.BLOCK, null, null, ACCESS.MKNOD),
  // net/tun, ptmx, terminals, tty.
  character(10, 200),
  character(5, 2),
  character(136, null),
  character(5, 0),
  // urandom, random, full, zero, null.
  character(1, 9),
  character(1, 8),
  character(1, 7),
  character(1, 5),
  character(1, 3),
];

/**
 * The rules of a container by those of its spec and the devices that it is given, both with the guest's numbers. A device
 * that no rule names may be used: whoever gives it means it to be. Null when every device may be used: then there
 * is nothing to filter, as for no rules at all, which is what upstream's shims send for every container.
 */
export function effectiveDeviceRules(
  specRules: readonly LinuxDeviceCgroup[],
  devices: readonly LinuxDevice[],
): DeviceRules | null {
  if (specRules.length === 0) return null;
  const last = lastRuleForAll(specRules);
  const allowByDefault = last >= 0 && specRules[last]!.allow;
  const own = specRules.slice(last + 1).map(toRule);
  if (allowByDefault && own.every(({ allow }) => allow)) return null;
  const given = devices.filter(({ type }) => type !== 'p').map(ruleFor);
  const rules = [...own, ...given.filter((rule) => !own.some((each) => names(each, rule))), ...DEFAULT_RULES];
  return { allowByDefault, rules: rules.filter((rule, index) => !isRepeated(rule, rules.slice(index + 1))) };
}

function toRule({ allow, type, major, minor, access }: LinuxDeviceCgroup): DeviceRule {
  return {
    allow,
    type: type === 'b' ? DEVICE_TYPE.BLOCK : type === 'c' ? DEVICE_TYPE.CHARACTER : null,
    major: major < 0n ? null : Number(major),
    minor: minor < 0n ? null : Number(minor),
    access:
      (access.includes('m') ? ACCESS.MKNOD : 0) |
      (access.includes('r') ? ACCESS.READ : 0) |
      (access.includes('w') ? ACCESS.WRITE : 0),
  };
}

function ruleFor({ type, major, minor }: LinuxDevice): DeviceRule {
  const kind = type === 'b' ? DEVICE_TYPE.BLOCK : DEVICE_TYPE.CHARACTER;
  return allowed(kind, Number(major), Number(minor), ALL_ACCESS);
}

/** Whether a rule says something of its own about the use of a device, not only about that of all there are. */
function names(rule: DeviceRule, { type, major, minor }: DeviceRule): boolean {
  return (
    rule.type === type &&
    (rule.major === null || rule.major === major) &&
    (rule.minor === null || rule.minor === minor) &&
    (rule.access & (ACCESS.READ | ACCESS.WRITE)) !== 0
  );
}

/** Whether a later rule for the very same numbers has the last word anyway. */
function isRepeated({ type, major, minor, access }: DeviceRule, later: readonly DeviceRule[]): boolean {
  return later.some(
    (rule) => rule.type === type && rule.major === major && rule.minor === minor && (rule.access & access) === access,
  );
}
