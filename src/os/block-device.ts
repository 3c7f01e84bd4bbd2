import { syscall } from 'sys';
import { KataError } from '../errors/kata-error.ts';
import { NR } from '../syscall/numbers.ts';
import { check } from './errno.ts';
import { close, O, open } from './fd.ts';
import { readTextIfExists } from './file.ts';
import { isType, S, stat } from './stat.ts';

/** The node of this host for a block device of these numbers (sysfs(5), `dev/block`). `not-found` when there is none. */
export function blockDevicePath(major: number, minor: number): string {
  const uevent = readTextIfExists(`/sys/dev/block/${major}:${minor}/uevent`) ?? '';
  const name = /^DEVNAME=(.+)$/m.exec(uevent)?.[1];
  const path = `/dev/${name}`;
  const expected = `the block device ${major}:${minor}`;
  if (name === undefined) throw new KataError('not-found', `${expected} is expected, this host has none`);
  const found = stat(path);
  if (isType(found, S.IFBLK) && found.rdevMajor === major && found.rdevMinor === minor) return path;
  throw new KataError('failed-precondition', `${expected} is expected at ${path}, found another file there`);
}

const SEEK_END = 2;

/** How much a block device holds. */
export function blockDeviceBytes(path: string): number {
  const fd = open(path, O.RDONLY);
  try {
    return check(syscall(NR.lseek, fd, 0, SEEK_END), `find the size of ${path}`);
  } finally {
    close(fd);
  }
}
