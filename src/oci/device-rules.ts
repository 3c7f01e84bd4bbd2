import type { LinuxDeviceCgroup } from '../protocols/gen/oci.ts';
import { isHostDevice } from './host-device.ts';
import type { Int64, OciDeviceRule } from './spec.ts';

/** A number of a rule that stands for every number. */
export const ANY_NUMBER = -1n;

const DENY_ALL: LinuxDeviceCgroup = { allow: false, type: 'a', major: ANY_NUMBER, minor: ANY_NUMBER, access: 'rwm' };

/**
 * Which devices a container may use (config-linux.md, Allowed Device list), as the agent takes it; never empty. Without
 * rules everything is denied but what the agent allows every container, as runc has it.
 *
 * Unlike Kata: its shims send none, and a container that may make device nodes can read the disks of the others in its
 * pod. An agent that gets none lets every device be used, which is what those shims need for privileged containers.
 *
 * Left behind: rules for devices whose numbers mean others in the guest. Upstream's agent (whose cgroup v2 has no filter,
 * but whose cgroup v1 has) takes the first rule for all devices for the one that holds, so only the last one is sent.
 */
export function deviceRulesToAgent(rules: readonly OciDeviceRule[] = []): LinuxDeviceCgroup[] {
  const sent: LinuxDeviceCgroup[] = [];
  for (const rule of rules) {
    if (isHostRule(rule)) continue;
    const { allow, access = 'rwm' } = rule;
    sent.push({ allow, type: typeOf(rule), major: numberOf(rule.major), minor: numberOf(rule.minor), access });
  }
  const last = lastRuleForAll(sent);
  return last < 0 ? [DENY_ALL, ...sent] : sent.slice(last);
}

/** Whether a rule is for devices whose numbers mean other devices, or none, in the guest's kernel. */
export function isHostRule(rule: OciDeviceRule): boolean {
  return isNumbered(rule) && isHostDevice({ path: '', type: typeOf(rule), major: Number(numberOf(rule.major)) });
}

const numberOf = (number: Int64 | undefined): bigint => BigInt(number ?? ANY_NUMBER);
const isNumbered = ({ major, minor }: OciDeviceRule): boolean => numberOf(major) >= 0n || numberOf(minor) >= 0n;

/** A number without a type is for disks too: those are the host's, and what it says of other devices is left. */
function typeOf(rule: OciDeviceRule): string {
  if (rule.type === 'b' || rule.type === 'c') return rule.type;
  return isNumbered(rule) ? 'c' : 'a';
}

/** The index of the last rule that is for every device and every access: those before it mean nothing. -1 for none. */
export function lastRuleForAll(rules: readonly LinuxDeviceCgroup[]): number {
  return rules.findLastIndex(
    ({ type, major, minor, access }) =>
      type === 'a' && major < 0n && minor < 0n && [...'rwm'].every((letter) => access.includes(letter)),
  );
}
