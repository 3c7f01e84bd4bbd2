import { syscall } from 'sys';
import { KataError } from '../errors/kata-error.ts';
import { NR } from '../syscall/numbers.ts';
import { check, ERRNO, isErrno } from './errno.ts';
import { AT_FDCWD, close, O } from './fd.ts';
import { readlink, readText } from './file.ts';
import { MNT, umount } from './mount.ts';
import { type MountInfo, mountsBelow, parseMountInfo } from './mountinfo.ts';

const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_NO_AUTOMOUNT = 0x800;
const STATX_ATTR_MOUNT_ROOT = 0x2000;

/** Every mount of this process's mount namespace that its root can see. */
export function listMounts(): MountInfo[] {
  return parseMountInfo(readText('/proc/self/mountinfo'));
}

/** Whether something is mounted just at `path` (statx(2), Linux 5.8); false when nothing is there. */
export function isMountPoint(path: string): boolean {
  const buffer = new Uint8Array(256);
  const result = syscall(NR.statx, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, buffer);
  if (result === -ERRNO.ENOENT || result === -ERRNO.ENOTDIR) return false;
  check(result, `look at ${path}`);
  return (new DataView(buffer.buffer).getUint32(8, true) & STATX_ATTR_MOUNT_ROOT) !== 0;
}

/** Those of them whose lines hold `text`: reading a line costs much more than passing over it. */
function listMountsThatName(text: string): MountInfo[] {
  // These the kernel writes as octal digits.
  if (/[\s\\#]/.test(text)) return listMounts();
  const lines = readText('/proc/self/mountinfo').split('\n');
  return parseMountInfo(lines.filter((line) => line.includes(text)).join('\n'));
}

/** The place of `path` with the symlinks on its way resolved, as mountinfo writes it; null when there is no such folder. */
function placeOf(path: string): string | null {
  const whole = path.replace(/\/+$/, '');
  if (whole === '') return '/';
  const slash = whole.lastIndexOf('/');
  const folder = slash < 0 ? '.' : whole.slice(0, slash) || '/';
  const fd = syscall(NR.openat, AT_FDCWD, folder, O.PATH | O.DIRECTORY | O.CLOEXEC, 0);
  if (fd === -ERRNO.ENOENT || fd === -ERRNO.ENOTDIR) return null;
  check(fd, `look at ${folder}`);
  try {
    const parent = readlink(`/proc/self/fd/${fd}`);
    return `${parent === '/' ? '' : parent}/${whole.slice(slash + 1)}`;
  } finally {
    close(fd);
  }
}

export interface UnmountOptions {
  /** A mount that is in use vanishes from sight now and ends with its last user (`MNT_DETACH`). Default: it is a failure. */
  lazy?: boolean;
}

/**
 * Unmounts everything at `path` and below, deepest first, until nothing is mounted there any more. Goes on past what
 * fails; the failures are the result, none of them means all is gone. Nothing mounted is fine.
 *
 * Unlike Kata: what is unmounted is what mountinfo shows, so that a root that never was mounted is no error.
 */
export function unmountAll(path: string, options: UnmountOptions = {}): KataError[] {
  const place = placeOf(path);
  if (place === null) return [];
  for (;;) {
    const left = mountsBelow(listMountsThatName(place), place);
    const failures: KataError[] = [];
    for (const { mountPoint } of left) {
      const failure = unmountOne(mountPoint, options);
      if (failure !== null) failures.push(failure);
    }
    // One that was covered by another cannot be reached before the next round.
    if (failures.length === left.length) return failures;
  }
}

function unmountOne(mountPoint: string, options: UnmountOptions): KataError | null {
  try {
    try {
      umount(mountPoint);
    } catch (error) {
      if (!options.lazy || !isErrno(error, 'EBUSY')) throw error;
      umount(mountPoint, MNT.DETACH);
    }
    return null;
  } catch (error) {
    return KataError.from(error);
  }
}
