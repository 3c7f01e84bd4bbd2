import type { OciDevice, OciSpec } from './spec.ts';

/**
 * Whether a device's number means another device, or none, in the guest's kernel: every disk, and character devices whose
 * major number the kernel gives out at run time (Documentation/admin-guide/devices.txt).
 */
export function isHostDevice({ type, major = 0 }: OciDevice): boolean {
  if (type === 'b') return true;
  return (type === 'c' || type === 'u') && ((major >= 234 && major <= 254) || (major >= 384 && major <= 511));
}

/**
 * Whether the container may use every device there is, which is how container managers say "privileged". They list all
 * devices of the host then: nobody asked for a certain one.
 */
export function isAllowedEveryDevice({ linux }: OciSpec): boolean {
  return (linux?.resources?.devices ?? []).some(
    ({ allow, type = 'a', major = -1, minor = -1, access = 'rwm' }) =>
      allow && (type === 'a' || type === '') && Number(major) === -1 && Number(minor) === -1 && access.includes('w'),
  );
}
