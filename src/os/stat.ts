import { syscall } from 'sys';
import { NR } from '../syscall/numbers.ts';
import { check, ERRNO } from './errno.ts';
import { AT_FDCWD } from './fd.ts';

/** File types in `mode` (inode(7)). */
export const S = {
  IFMT: 0o170000,
  IFSOCK: 0o140000,
  IFLNK: 0o120000,
  IFREG: 0o100000,
  IFBLK: 0o060000,
  IFDIR: 0o040000,
  IFCHR: 0o020000,
  IFIFO: 0o010000,
} as const;

const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
const STATX_BASIC_STATS = 0x7ff;
const STATX_BTIME = 0x800;
const STATX_MNT_ID = 0x1000;

export interface Stat {
  mode: number;
  uid: number;
  gid: number;
  links: number;
  inode: bigint;
  sizeBytes: number;
  /** 512-byte blocks really used. */
  blocks: number;
  /** The file system's device, `major:minor`. */
  device: string;
  /** A device node's own numbers. */
  rdevMajor: number;
  rdevMinor: number;
  modifiedNs: bigint;
  changedNs: bigint;
  /** When it was made; 0 where the file system does not say. */
  bornNs: bigint;
  mountId: bigint;
}

function statx(directory: number, path: string, flags: number): Stat | number {
  const buffer = new Uint8Array(256);
  const mask = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID;
  const result = syscall(NR.statx, directory, path, flags, mask, buffer);
  if (result < 0) return result;
  const v = new DataView(buffer.buffer);
  const time = (at: number): bigint => v.getBigInt64(at, true) * 1_000_000_000n + BigInt(v.getUint32(at + 8, true));
  return {
    links: v.getUint32(16, true),
    uid: v.getUint32(20, true),
    gid: v.getUint32(24, true),
    mode: v.getUint16(28, true),
    inode: v.getBigUint64(32, true),
    sizeBytes: Number(v.getBigUint64(40, true)),
    blocks: Number(v.getBigUint64(48, true)),
    bornNs: time(80),
    changedNs: time(96),
    modifiedNs: time(112),
    rdevMajor: v.getUint32(128, true),
    rdevMinor: v.getUint32(132, true),
    device: `${v.getUint32(136, true)}:${v.getUint32(140, true)}`,
    mountId: v.getBigUint64(144, true),
  };
}

function orThrow(result: Stat | number, path: string): Stat {
  if (typeof result === 'number') check(result, `look at ${path}`);
  return result as Stat;
}

/** The file that `path` leads to, symlinks followed (statx(2)). */
export function stat(path: string): Stat {
  return orThrow(statx(AT_FDCWD, path, 0), path);
}

/** The file at `path` itself, which may be a symlink. */
export function lstat(path: string): Stat {
  return orThrow(statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW), path);
}

/** The file behind a descriptor. */
export function fstat(fd: number): Stat {
  return orThrow(statx(fd, '', AT_EMPTY_PATH), `descriptor ${fd}`);
}

/** As `lstat`, or null when nothing is there. */
export function lstatIfExists(path: string): Stat | null {
  const result = statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
  if (result === -ERRNO.ENOENT || result === -ERRNO.ENOTDIR) return null;
  return orThrow(result, path);
}

/** As `stat`, or null when nothing is there. */
export function statIfExists(path: string): Stat | null {
  const result = statx(AT_FDCWD, path, 0);
  if (result === -ERRNO.ENOENT || result === -ERRNO.ENOTDIR) return null;
  return orThrow(result, path);
}

/** Whether `stat` is of this type: `isType(stat(path), S.IFDIR)`. */
export function isType(of: Stat, type: number): boolean {
  return (of.mode & S.IFMT) === type;
}

export interface FileSystemUse {
  /** The magic number (statfs(2)): 0x794c7630 is overlay, 0x01021994 tmpfs, 0x63677270 cgroup2. */
  type: number;
  /** Programs there cannot be executed (MS_NOEXEC). */
  noExec: boolean;
  totalBytes: number;
  freeBytes: number;
  /** Free for processes that are not root. */
  availableBytes: number;
  totalInodes: number;
  freeInodes: number;
}

const ST_NOEXEC = 8;

/** How full the file system under `path` is (statfs(2)). */
export function statfs(path: string): FileSystemUse {
  const fields = new BigInt64Array(15);
  check(syscall(NR.statfs, path, fields), `look at the file system of ${path}`);
  const [type, blockSize, blocks, free, available, files, freeFiles] = fields as unknown as bigint[];
  return {
    type: Number(BigInt.asUintN(32, type!)),
    noExec: (Number(fields[10]) & ST_NOEXEC) !== 0,
    totalBytes: Number(blocks! * blockSize!),
    freeBytes: Number(free! * blockSize!),
    availableBytes: Number(available! * blockSize!),
    totalInodes: Number(files),
    freeInodes: Number(freeFiles),
  };
}
