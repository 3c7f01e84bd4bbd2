import { KataError } from '../../errors/kata-error.ts';
import type { QmpVersion } from './qmp-messages.ts';

/** The oldest QEMU that is tested: Debian 12's. */
export const MINIMUM_VERSION = { major: 7, minor: 2 } as const;

/** The version in what `qemu-system-x86_64 --version` prints; null when it isn't there. */
export function parseVersionText(text: string): QmpVersion | null {
  const match = /^QEMU emulator version (\d+)\.(\d+)\.(\d+)(?: \((.*)\))?$/m.exec(text);
  if (match === null) return null;
  return { major: Number(match[1]), minor: Number(match[2]), micro: Number(match[3]), package: match[4] ?? '' };
}

/** A build of QEMU, told apart from others of the same version: `7.2.22 Debian 1:7.2+dfsg-7+deb12u18`. */
export const formatBuild = (version: QmpVersion): string => `${formatVersion(version)} ${version.package}`.trim();

export const formatVersion = ({ major, minor, micro }: QmpVersion): string => `${major}.${minor}.${micro}`;

/** Throws `failed-precondition` for a QEMU that is too old. */
export function checkVersion(version: QmpVersion, path: string): void {
  const { major, minor } = MINIMUM_VERSION;
  if (version.major > major || (version.major === major && version.minor >= minor)) return;
  throw new KataError(
    'failed-precondition',
    `QEMU ${major}.${minor} or newer is expected, found ${formatVersion(version)} at ${path}`,
    { hint: 'install a newer qemu-system-x86, or set path in [hypervisor.qemu] to one' },
  );
}
