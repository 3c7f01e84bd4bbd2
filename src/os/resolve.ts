import { syscall } from 'sys';
import { KataError } from '../errors/kata-error.ts';
import { NR } from '../syscall/numbers.ts';
import { removeTreeAt } from './directory.ts';
import { check, ERRNO, systemError } from './errno.ts';
import { close, duplicate, O } from './fd.ts';
import { fstat, S } from './stat.ts';
import { utf8Decode } from './utf8.ts';

/** Ways to resolve a path with openat2(2). */
export const RESOLVE = {
  NO_XDEV: 0x01,
  NO_MAGICLINKS: 0x02,
  NO_SYMLINKS: 0x04,
  BENEATH: 0x08,
  IN_ROOT: 0x10,
} as const;

/** As the kernel: more links than this on one way are a circle. */
const MAX_LINKS = 40;
const MAX_RACES = 100;
const PARENT_MODE = 0o755;

/**
 * The functions here take the paths of a container or an image, which may be hostile, and a descriptor of its root
 * (`open(root, O.PATH | O.DIRECTORY)`). `/`, `..` and every symlink mean what they mean to a process whose root that is,
 * also while somebody changes the tree: nothing outside is ever reached.
 */

/** Opens a path inside a root (openat2(2)); close-on-exec is always set. `mode` is for `O.CREAT`. */
export function openInRoot(rootFd: number, path: string, flags: number, mode = 0o600): number {
  const creates = (flags & O.CREAT) !== 0 || (flags & O.TMPFILE) === O.TMPFILE;
  const how = new BigUint64Array([
    BigInt(flags | O.CLOEXEC),
    BigInt(creates ? mode : 0),
    BigInt(RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS),
  ]);
  for (let attempt = 1; ; attempt++) {
    const fd = syscall(NR.openat2, rootFd, path, how, how.byteLength);
    // EAGAIN: something was renamed meanwhile, and the kernel could not tell that `..` stayed inside.
    const again = fd === -ERRNO.EINTR || fd === -ERRNO.EAGAIN;
    if (!again || attempt === MAX_RACES) return check(fd, `open ${path} in the root`);
  }
}

/** A path that means an open file, for mount(2) and other calls that take no descriptor. Needs `/proc`. */
export function pathOfFd(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

/** Makes a directory and those on the way, as far as they are missing; its descriptor (`O.PATH`). */
export function makeDirectoriesInRoot(rootFd: number, path: string, mode = PARENT_MODE): number {
  using walk = new Walk(rootFd, path);
  return walk.follow(path, { folders: mode }) ?? walk.take();
}

/**
 * The file at `path`, made empty if missing, with the folders on the way: what a file is mounted on. Its descriptor
 * (`O.PATH`). A directory there is `EISDIR`.
 */
export function createFileInRoot(rootFd: number, path: string, mode = 0o644): number {
  using walk = new Walk(rootFd, path);
  const fd = walk.follow(path, { folders: PARENT_MODE, file: mode });
  if (fd === null) throw systemError(-ERRNO.EISDIR, `make the file ${path} in the root`);
  return fd;
}

/** A folder, open, and a name in it, which need not exist and may be a symlink: for calls of the `…at(2)` family. */
export interface PlaceInRoot {
  folderFd: number;
  name: string;
  [Symbol.dispose](): void;
}

/** The folder that holds `path`, and the last name of `path`. With `make` missing folders are made. */
export function parentInRoot(rootFd: number, path: string, options: { make?: boolean } = {}): PlaceInRoot {
  const names = namesOf(path);
  const name = names.pop();
  if (name === undefined || name === '..')
    throw new KataError('invalid-argument', `a path that ends with a name is expected, found ${JSON.stringify(path)}`);
  using walk = new Walk(rootFd, path);
  const notFolder = walk.follow(names.join('/'), { folders: options.make ? PARENT_MODE : undefined });
  const folderFd = notFolder ?? walk.take();
  return { folderFd, name, [Symbol.dispose]: () => close(folderFd) };
}

/** Makes a symlink at `path`, with the folders on the way. The target is text; it is not looked at. */
export function symlinkInRoot(rootFd: number, target: string, path: string): void {
  using place = parentInRoot(rootFd, path, { make: true });
  check(syscall(NR.symlinkat, target, place.folderFd, place.name), `link ${path} in the root`);
}

/** Removes the file, symlink or whole tree at `path`; nothing there is fine. A mount inside is `EBUSY`. */
export function removeInRoot(rootFd: number, path: string): void {
  let place: PlaceInRoot;
  try {
    place = parentInRoot(rootFd, path);
  } catch (error) {
    if (error instanceof KataError && (error.errno === 'ENOENT' || error.errno === 'ENOTDIR')) return;
    throw error;
  }
  using held = place;
  removeTreeAt(held.folderFd, held.name);
}

const namesOf = (path: string): string[] => path.split('/').filter((name) => name !== '' && name !== '.');

interface Making {
  /** The mode for folders that are missing; none: they are `ENOENT`. */
  folders?: number | undefined;
  /** The mode for a missing file at the end; none: the end is a folder as well. */
  file?: number;
}

/**
 * A way through a root, one name at a time, each opened in the folder before it without following a link: the kernel
 * is never given the chance to leave. Unlike openat2(2) it can go on where a link leads to nothing yet.
 */
class Walk {
  readonly #rootFd: number;
  readonly #what: string;
  /** The folders below the root on the way here; `..` goes back along them. */
  readonly #folders: number[] = [];
  #links = 0;

  constructor(rootFd: number, what: string) {
    this.#rootFd = rootFd;
    this.#what = `${what} in the root`;
  }

  get #here(): number {
    return this.#folders.at(-1) ?? this.#rootFd;
  }

  /** Goes where `path` leads; the descriptor of the file at its end, or null when that is a folder. */
  follow(path: string, making: Making): number | null {
    const names = namesOf(path);
    for (let name = names.shift(); name !== undefined; name = names.shift()) {
      if (name === '..') {
        close(this.#folders.pop() ?? -1);
        continue;
      }
      const fd = this.#open(name, names.length === 0 && making.file !== undefined, making);
      const { mode } = fstat(fd);
      if ((mode & S.IFMT) === S.IFDIR) {
        this.#folders.push(fd);
      } else if ((mode & S.IFMT) === S.IFLNK) {
        names.unshift(...this.#readLink(fd));
      } else if (names.length === 0 && making.file !== undefined) {
        return fd;
      } else {
        close(fd);
        throw systemError(-ERRNO.ENOTDIR, `${name} on the way to ${this.#what}`);
      }
    }
    return null;
  }

  #open(name: string, isFile: boolean, making: Making): number {
    const flags = O.PATH | O.NOFOLLOW | O.CLOEXEC;
    for (let attempt = 1; ; attempt++) {
      const fd = syscall(NR.openat, this.#here, name, flags, 0);
      const mode = isFile ? making.file : making.folders;
      if (fd !== -ERRNO.ENOENT || mode === undefined || attempt === MAX_RACES) return check(fd, `open ${this.#what}`);
      const made = isFile ? this.#makeFile(name, mode) : syscall(NR.mkdirat, this.#here, name, mode);
      if (made !== -ERRNO.EEXIST) check(made, `make ${this.#what}`);
    }
  }

  #makeFile(name: string, mode: number): number {
    const fd = syscall(NR.openat, this.#here, name, O.WRONLY | O.CREAT | O.EXCL | O.NOFOLLOW | O.CLOEXEC, mode);
    close(fd);
    return fd;
  }

  #readLink(fd: number): string[] {
    try {
      if (++this.#links > MAX_LINKS) throw systemError(-ERRNO.ELOOP, `follow ${this.#what}`);
      const target = new Uint8Array(4096);
      const length = check(syscall(NR.readlinkat, fd, '', target, target.length), `read a link to ${this.#what}`);
      const text = utf8Decode(target.subarray(0, length));
      if (text.startsWith('/')) this[Symbol.dispose]();
      return namesOf(text);
    } finally {
      close(fd);
    }
  }

  /** The descriptor of the folder that was reached; from now on the caller's. */
  take(): number {
    return this.#folders.pop() ?? duplicate(this.#rootFd);
  }

  [Symbol.dispose](): void {
    for (const fd of this.#folders.splice(0)) close(fd);
  }
}
