import { syscall } from 'sys';
import { KataError } from '../errors/kata-error.ts';
import { NR } from '../syscall/numbers.ts';
import { check, ERRNO } from './errno.ts';
import { AT_FDCWD, close, O, open } from './fd.ts';
import { randomHex } from './random.ts';
import { fstat } from './stat.ts';
import { utf8Decode } from './utf8.ts';

const AT_REMOVEDIR = 0x200;
const DT_DIR = 4;
const DT_UNKNOWN = 0;

/** Makes one directory; an existing one is left as it is. Whether it was made. */
export function makeDirectory(path: string, mode = 0o755): boolean {
  const result = syscall(NR.mkdirat, AT_FDCWD, path, mode);
  if (result === -ERRNO.EEXIST) return false;
  check(result, `make the directory ${path}`);
  return true;
}

/** Makes a directory and those above it. */
export function makeDirectories(path: string, mode = 0o755): void {
  const result = syscall(NR.mkdirat, AT_FDCWD, path, mode);
  if (result === 0 || result === -ERRNO.EEXIST) return;
  const slash = path.lastIndexOf('/');
  if (result !== -ERRNO.ENOENT || slash <= 0) check(result, `make the directory ${path}`);
  makeDirectories(path.slice(0, slash), mode);
  makeDirectory(path, mode);
}

/** A new directory of a random name: `${prefix}${random}`, mode 0700. */
export function makeTemporaryDirectory(prefix: string): string {
  for (let attempt = 0; attempt < 100; attempt++) {
    const path = `${prefix}${randomHex(6)}`;
    if (makeDirectory(path, 0o700)) return path;
  }
  throw new KataError('internal', `100 random names after ${prefix} are all taken`);
}

/** Removes an empty directory; whether it was there. */
export function removeDirectory(path: string): boolean {
  const result = syscall(NR.unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
  if (result === -ERRNO.ENOENT) return false;
  check(result, `remove the directory ${path}`);
  return true;
}

export interface Entry {
  /** The name as bytes with a NUL behind: it need not be UTF-8, and can go back to the kernel as it is. */
  rawName: Uint8Array;
  /** `DT_*` of getdents64(2); 0 when the file system does not say. */
  type: number;
}

/** The entries of an open directory, `.` and `..` left out (getdents64(2)). */
export function readEntries(directoryFd: number, what: string): Entry[] {
  const entries: Entry[] = [];
  const buffer = new Uint8Array(32768);
  const view = new DataView(buffer.buffer);
  for (;;) {
    const length = check(syscall(NR.getdents64, directoryFd, buffer, buffer.length), `list ${what}`);
    if (length === 0) return entries;
    for (let at = 0; at < length; ) {
      const size = view.getUint16(at + 16, true);
      const start = at + 19;
      const end = buffer.indexOf(0, start);
      const dot = buffer[start] === 0x2e && (end === start + 1 || (end === start + 2 && buffer[start + 1] === 0x2e));
      if (!dot) entries.push({ rawName: buffer.slice(start, end + 1), type: buffer[at + 18]! });
      at += size;
    }
  }
}

/** The names in a directory, sorted. */
export function listDirectory(path: string): string[] {
  const fd = open(path, O.RDONLY | O.DIRECTORY);
  try {
    return readEntries(fd, path)
      .map((entry) => utf8Decode(entry.rawName.subarray(0, -1)))
      .sort();
  } finally {
    close(fd);
  }
}

/** As `listDirectory`; none when it does not exist. */
export function listDirectoryIfExists(path: string): string[] {
  const fd = syscall(NR.openat, AT_FDCWD, path, O.RDONLY | O.DIRECTORY | O.CLOEXEC, 0);
  if (fd === -ERRNO.ENOENT || fd === -ERRNO.ENOTDIR) return [];
  check(fd, `open ${path}`);
  close(fd);
  return listDirectory(path);
}

/**
 * Removes a file or a whole tree; nothing there is fine. Works on descriptors, so that a symlink swapped in under its
 * feet leads nowhere, and never crosses into another mounted file system: a forgotten mount is an error, not a loss.
 */
export function removeTree(path: string): void {
  removeTreeAt(AT_FDCWD, path);
}

/** As `removeTree`, of `name` in an open directory. */
export function removeTreeAt(directoryFd: number, name: string): void {
  const plain = syscall(NR.unlinkat, directoryFd, name, 0);
  if (plain === 0 || plain === -ERRNO.ENOENT || plain === -ERRNO.ENOTDIR) return;
  if (plain !== -ERRNO.EISDIR) check(plain, `remove ${name}`);
  const fd = syscall(NR.openat, directoryFd, name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW | O.CLOEXEC, 0);
  if (fd === -ERRNO.ENOENT) return;
  check(fd, `open ${name}`);
  try {
    emptyDirectory(fd, name, fstat(fd).mountId);
  } finally {
    close(fd);
  }
  const result = syscall(NR.unlinkat, directoryFd, name, AT_REMOVEDIR);
  if (result !== -ERRNO.ENOENT) check(result, `remove the directory ${name}`);
}

/** Deeper folders are moved up and emptied later, so that no depth of a tree ends our stack or our descriptors. */
const MAX_DEPTH = 32;

/** Empties a directory; `top` is the one that all began with. Whether folders were moved into `top`. */
function emptyDirectory(directoryFd: number, what: string, mountId: bigint, top = directoryFd, depth = 0): boolean {
  let moved = false;
  do {
    if (depth === 0) {
      moved = false;
      check(syscall(NR.lseek, directoryFd, 0, 0), `list ${what} again`);
    }
    for (const entry of readEntries(directoryFd, what)) {
      if (entry.type !== DT_DIR) {
        const result = syscall(NR.unlinkat, directoryFd, entry.rawName, 0);
        if (result === 0 || result === -ERRNO.ENOENT) continue;
        if (entry.type !== DT_UNKNOWN || result !== -ERRNO.EISDIR) check(result, `remove a file in ${what}`);
      }
      const inner = `${what}/${utf8Decode(entry.rawName.subarray(0, -1))}`;
      if (depth === MAX_DEPTH) {
        check(syscall(NR.renameat2, directoryFd, entry.rawName, top, `.${randomHex(8)}`, 0), `move ${inner}`);
        moved = true;
      } else if (emptyFolder(directoryFd, entry.rawName, inner, mountId, top, depth + 1)) {
        moved = true;
      }
    }
  } while (depth === 0 && moved);
  return moved;
}

function emptyFolder(
  directoryFd: number,
  rawName: Uint8Array,
  inner: string,
  mountId: bigint,
  top: number,
  depth: number,
): boolean {
  const flags = O.RDONLY | O.DIRECTORY | O.NOFOLLOW | O.CLOEXEC;
  const child = check(syscall(NR.openat, directoryFd, rawName, flags, 0), `open ${inner}`);
  let moved: boolean;
  try {
    if (fstat(child).mountId !== mountId)
      throw new KataError('failed-precondition', `${inner} is still a mount point, its content is left as it is`, {
        errno: 'EBUSY',
        hint: `umount ${inner}`,
      });
    moved = emptyDirectory(child, inner, mountId, top, depth);
  } finally {
    close(child);
  }
  check(syscall(NR.unlinkat, directoryFd, rawName, AT_REMOVEDIR), `remove the directory ${inner}`);
  return moved;
}
