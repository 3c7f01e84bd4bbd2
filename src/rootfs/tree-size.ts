import { syscall } from 'sys';
import { readEntries } from '../os/directory.ts';
import { check } from '../os/errno.ts';
import { AT_FDCWD, close, O } from '../os/fd.ts';
import { S } from '../os/stat.ts';
import { utf8Encode } from '../os/utf8.ts';
import { NR } from '../syscall/numbers.ts';

const AT_SYMLINK_NOFOLLOW = 0x100;
const STATX_BASIC_STATS = 0x7ff;
const BLOCK = 4096;
/** Holes smaller than this are written out. */
const HOLE_BYTES = 1 << 20;

/** How big the image of a folder will be, about. */
export interface TreeSize {
  files: number;
  /** Bytes of all regular files, each counted once and rounded up to blocks. */
  bytes: number;
  /** Of these, bytes in holes. */
  holeBytes: number;
}

/** Measures a folder without following symlinks, opening files, or leaving its file system's view. */
export function treeSize(path: string): TreeSize {
  const size: TreeSize = { files: 0, bytes: 0, holeBytes: 0 };
  const seen = new Set<bigint>();
  const buffer = new Uint8Array(256);
  const fields = new DataView(buffer.buffer);
  // Paths as bytes, a NUL behind: names need not be UTF-8. A list of folders to come, so that no depth ends the stack.
  const folders: Uint8Array[] = [utf8Encode(`${path}\0`)];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const flags = O.RDONLY | O.DIRECTORY | O.NOFOLLOW | O.CLOEXEC;
    const fd = check(syscall(NR.openat, AT_FDCWD, folder, flags, 0), `open a folder of ${path}`);
    try {
      for (const { rawName } of readEntries(fd, path)) {
        check(
          syscall(NR.statx, fd, rawName, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, buffer),
          `look at a file of ${path}`,
        );
        size.files++;
        const mode = fields.getUint16(28, true) & S.IFMT;
        if (mode === S.IFDIR) folders.push(join(folder, rawName));
        if (mode === S.IFREG && isFirst(fields, seen)) addFile(size, fields);
      }
    } finally {
      close(fd);
    }
  }
  return size;
}

function join(folder: Uint8Array, rawName: Uint8Array): Uint8Array {
  const path = new Uint8Array(folder.length + rawName.length);
  path.set(folder);
  path[folder.length - 1] = 0x2f;
  path.set(rawName, folder.length);
  return path;
}

/** Whether a file with several names is met for the first time. */
function isFirst(fields: DataView, seen: Set<bigint>): boolean {
  if (fields.getUint32(16, true) <= 1) return true;
  const inode = fields.getBigUint64(32, true);
  if (seen.has(inode)) return false;
  seen.add(inode);
  return true;
}

function addFile(size: TreeSize, fields: DataView): void {
  const bytes = Number(fields.getBigUint64(40, true));
  const hole = bytes - Number(fields.getBigUint64(48, true)) * 512;
  size.bytes += Math.ceil(bytes / BLOCK) * BLOCK;
  if (hole >= HOLE_BYTES) size.holeBytes += hole;
}
