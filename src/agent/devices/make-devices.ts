import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { removeTreeAt } from '../../os/directory.ts';
import { check, ERRNO } from '../../os/errno.ts';
import { close, O } from '../../os/fd.ts';
import { openInRoot, parentInRoot } from '../../os/resolve.ts';
import { fstat, S } from '../../os/stat.ts';
import type { LinuxDevice } from '../../protocols/gen/oci.ts';
import { NR } from '../../syscall/numbers.ts';
import { DEFAULT_DEVICES, DEFAULT_LINKS } from './default-devices.ts';

const TYPES: Readonly<Record<string, number>> = { c: S.IFCHR, u: S.IFCHR, b: S.IFBLK, p: S.IFIFO };

/** makedev(3): 12 bits of major around 20 bits of minor. */
function deviceNumber(major: number, minor: number): number {
  return ((minor >>> 8) << 20) | ((major & 0xfff) << 8) | (minor & 0xff);
}

/**
 * Makes the default devices and links and those of the spec inside a root. A node that an image brought along is
 * replaced unless it is the very same device. The caller's umask must be 0.
 */
export function makeDevices(rootFd: number, devices: readonly LinuxDevice[]): void {
  const devFd = openInRoot(rootFd, '/dev', O.PATH | O.DIRECTORY);
  try {
    const own = new Set(devices.map(({ path }) => path));
    for (const device of DEFAULT_DEVICES)
      if (!own.has(device.path)) makeNodeAt(devFd, device.path.slice('/dev/'.length), device);
    for (const [name, target] of DEFAULT_LINKS) linkAt(devFd, name, target);
  } finally {
    close(devFd);
  }
  for (const device of devices) {
    using place = parentInRoot(rootFd, device.path, { make: true });
    makeNodeAt(place.folderFd, place.name, device);
  }
}

function makeNodeAt(folderFd: number, name: string, device: LinuxDevice): void {
  const type = TYPES[device.type];
  if (type === undefined)
    throw new KataError(
      'invalid-argument',
      `${device.path}: a device of type c, b, u or p is expected, found ${JSON.stringify(device.type)}`,
    );
  const number = type === S.IFIFO ? 0 : deviceNumber(Number(device.major), Number(device.minor));
  const mode = type | (device.fileMode & 0o7777 || 0o666);
  const make = (): number => syscall(NR.mknodat, folderFd, name, mode, number);
  let made = make();
  if (made === -ERRNO.EEXIST) {
    if (isDevice(folderFd, name, type, device)) return;
    removeTreeAt(folderFd, name);
    made = make();
  }
  check(made, `make the device ${device.path}`);
  if (device.uid === 0 && device.gid === 0) return;
  const AT_SYMLINK_NOFOLLOW = 0x100;
  const owned = syscall(NR.fchownat, folderFd, name, device.uid, device.gid, AT_SYMLINK_NOFOLLOW);
  check(owned, `change the owner of ${device.path}`);
}

function isDevice(folderFd: number, name: string, type: number, device: LinuxDevice): boolean {
  const fd = syscall(NR.openat, folderFd, name, O.PATH | O.NOFOLLOW | O.CLOEXEC, 0);
  if (fd < 0) return false;
  const { mode, rdevMajor, rdevMinor } = fstat(fd);
  close(fd);
  if ((mode & S.IFMT) !== type) return false;
  return type === S.IFIFO || (rdevMajor === Number(device.major) && rdevMinor === Number(device.minor));
}

/** What an image has in the way goes. */
function linkAt(folderFd: number, name: string, target: string): void {
  const make = (): number => syscall(NR.symlinkat, target, folderFd, name);
  let made = make();
  if (made === -ERRNO.EEXIST) {
    removeTreeAt(folderFd, name);
    made = make();
  }
  check(made, `link /dev/${name} to ${target}`);
}
