import { syscall } from 'sys';
import { NR } from '../syscall/numbers.ts';
import { concatenate } from './bytes.ts';
import { check, ERRNO, isErrno } from './errno.ts';
import { AT_FDCWD, close, O, open, readSync, writeSync } from './fd.ts';
import { utf8Decode, utf8Encode } from './utf8.ts';

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const READ_CHUNK = 65536;

/** The whole file. Works for `/proc` and `/sys` too, whose sizes are not known. `maxBytes` bounds a hostile one. */
export function readFile(path: string, maxBytes = Number.MAX_SAFE_INTEGER): Uint8Array {
  const fd = open(path, O.RDONLY);
  try {
    return readToEnd(fd, maxBytes);
  } finally {
    close(fd);
  }
}

/** One for all reads, each copied out at its own size: a fresh one costs more page faults than most files have bytes. */
const scratch = new Uint8Array(READ_CHUNK);

/** Everything up to the end, or the first `maxBytes` bytes. */
export function readToEnd(fd: number, maxBytes = Number.MAX_SAFE_INTEGER): Uint8Array {
  const chunks: Uint8Array[] = [];
  let total = 0;
  while (total < maxBytes) {
    const count = readSync(fd, scratch.subarray(0, Math.min(READ_CHUNK, maxBytes - total)));
    if (count === 0) break;
    chunks.push(scratch.slice(0, count));
    total += count;
  }
  return concatenate(chunks);
}

/** The whole file as text. */
export function readText(path: string, maxBytes?: number): string {
  return utf8Decode(readFile(path, maxBytes));
}

/** The file's text, or null when it (or a folder on the way) does not exist. */
export function readTextIfExists(path: string): string | null {
  try {
    return readText(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  }
}

/** Writes a whole file in place, created or cut: for `/proc`, `/sys` and files that nobody reads meanwhile. */
export function writeFile(path: string, content: string | Uint8Array, mode = 0o644): void {
  const fd = open(path, O.WRONLY | O.CREAT | O.TRUNC, mode);
  try {
    writeSync(fd, typeof content === 'string' ? utf8Encode(content) : content);
  } finally {
    close(fd);
  }
}

/** Writes to a file that must exist, in one write(2): a control file of `/proc`, `/sys` or a cgroup. */
export function writeControl(path: string, value: string): void {
  const fd = open(path, O.WRONLY);
  try {
    const bytes = utf8Encode(value);
    check(syscall(NR.write, fd, bytes, bytes.length), `write ${JSON.stringify(value)} to ${path}`);
  } finally {
    close(fd);
  }
}

/** Replaces a file at once: a reader sees the old content or the new, never a part. */
export function writeFileAtomic(path: string, content: string | Uint8Array, mode = 0o644): void {
  const temporary = `${path}.${syscall(NR.getpid)}.tmp`;
  try {
    writeFile(temporary, content, mode);
    rename(temporary, path);
  } catch (error) {
    removeFile(temporary);
    throw error;
  }
}

export function rename(from: string, to: string): void {
  check(syscall(NR.rename, from, to), `rename ${from} to ${to}`);
}

/** Removes a file, socket, FIFO or symlink; whether it was there. */
export function removeFile(path: string): boolean {
  const result = syscall(NR.unlinkat, AT_FDCWD, path, 0);
  if (result === -ERRNO.ENOENT || result === -ERRNO.ENOTDIR) return false;
  check(result, `remove ${path}`);
  return true;
}

export function symlink(target: string, path: string): void {
  check(syscall(NR.symlinkat, target, AT_FDCWD, path), `link ${path} to ${target}`);
}

export function readlink(path: string): string {
  const target = new Uint8Array(4096);
  const length = check(syscall(NR.readlinkat, AT_FDCWD, path, target, target.length), `read the link ${path}`);
  return utf8Decode(target.subarray(0, length));
}

export function exists(path: string): boolean {
  const F_OK = 0;
  return syscall(NR.access, path, F_OK) === 0;
}

/** Whether this process may run `path`. */
export function isExecutable(path: string): boolean {
  const X_OK = 1;
  return syscall(NR.access, path, X_OK) === 0;
}

export function chmod(path: string, mode: number): void {
  check(syscall(NR.fchmodat, AT_FDCWD, path, mode), `change the mode of ${path}`);
}

export function chown(path: string, uid: number, gid: number): void {
  check(syscall(NR.fchownat, AT_FDCWD, path, uid, gid, 0), `change the owner of ${path}`);
}

/** Makes a device, a FIFO or a socket: `mode` holds the file type, `S.IFIFO` and so on. */
export function makeNode(path: string, mode: number, major = 0, minor = 0): void {
  // makedev(3): 12 bits of major around 20 bits of minor.
  const device =
    (BigInt(major & 0xfff) << 8n) | BigInt(minor & 0xff) | (BigInt(minor >>> 8) << 20n) | (BigInt(major >>> 12) << 44n);
  check(syscall(NR.mknodat, AT_FDCWD, path, mode, device), `make the node ${path}`);
}

/** A FIFO; an existing one is left as it is. */
export function makeFifo(path: string, mode = 0o600): void {
  const S_IFIFO = 0o010000;
  const result = syscall(NR.mknodat, AT_FDCWD, path, S_IFIFO | mode, 0);
  if (result !== -ERRNO.EEXIST) check(result, `make the FIFO ${path}`);
}

/**
 * A lock on a file (flock(2)), held until the result is closed or the process ends, however it ends. Waits, blocking,
 * unless `wait` is false: then null when somebody else holds it.
 */
export function lockFile(path: string, kind: 'shared' | 'exclusive', wait = true): number | null {
  const fd = open(path, O.RDONLY | O.CREAT, 0o600);
  const operation = (kind === 'shared' ? LOCK_SH : LOCK_EX) | (wait ? 0 : LOCK_NB);
  for (;;) {
    const result = syscall(NR.flock, fd, operation);
    if (result === 0) return fd;
    if (result === -ERRNO.EINTR) continue;
    close(fd);
    if (result === -ERRNO.EAGAIN) return null;
    check(result, `lock ${path}`);
  }
}
