import { syscall } from 'sys';
import { check, ERRNO } from '../../os/errno.ts';
import { NR } from '../../syscall/numbers.ts';
import type { CapabilityMasks } from '../capabilities.ts';

const PR_SET_KEEPCAPS = 8;
const PR_CAPBSET_DROP = 24;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_RAISE = 2;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;
const LINUX_CAPABILITY_VERSION_3 = 0x20080522;
const CAP_MAX = 63;

const has = (set: bigint, capability: number): boolean => ((set >> BigInt(capability)) & 1n) === 1n;

/** Drops what is not in the set from the bounding set; before the user changes. */
export function dropBounding(bounding: bigint): void {
  for (let capability = 0; capability <= CAP_MAX; capability++) {
    if (has(bounding, capability)) continue;
    const result = syscall(NR.prctl, PR_CAPBSET_DROP, capability, 0, 0, 0);
    // The first that the kernel does not know is the end.
    if (result === -ERRNO.EINVAL) return;
    check(result, 'drop a capability');
  }
}

/** Whether the capabilities outlive the next change of user. */
export function keepCapabilities(keep: boolean): void {
  check(syscall(NR.prctl, PR_SET_KEEPCAPS, keep ? 1 : 0, 0, 0, 0), 'keep capabilities');
}

/** Sets the other four sets (capset(2)); after the user changed. */
export function setCapabilities({ effective, permitted, inheritable, ambient }: CapabilityMasks): void {
  const low = (set: bigint): number => Number(set & 0xffffffffn);
  const high = (set: bigint): number => Number(set >> 32n);
  const header = new Uint32Array([LINUX_CAPABILITY_VERSION_3, 0]);
  const sets = [effective, permitted, inheritable];
  const data = new Uint32Array([...sets.map(low), ...sets.map(high)]);
  check(syscall(NR.capset, header, data), 'set the capabilities');
  check(syscall(NR.prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), 'clear the ambient capabilities');
  for (let capability = 0; ambient >> BigInt(capability) !== 0n; capability++)
    if (has(ambient, capability))
      check(
        syscall(NR.prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0),
        `raise the ambient capability ${capability}`,
      );
}
