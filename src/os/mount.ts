import { syscall } from 'sys';
import { KataError } from '../errors/kata-error.ts';
import { NR } from '../syscall/numbers.ts';
import { check } from './errno.ts';
import { AT_FDCWD, close, O, open } from './fd.ts';
import { MNT, MOUNT_ATTR, MS } from './mount-flags.ts';

export { MNT, MOUNT_ATTR, MS };

const OPEN_TREE_CLONE = 1;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
const AT_RECURSIVE = 0x8000;
const MOVE_MOUNT_F_EMPTY_PATH = 0x04;
const MOVE_MOUNT_T_EMPTY_PATH = 0x40;
/** mount(2) reads one page of data and cuts what is longer without a word. */
const DATA_MAX = 4095;

/** A file by its path (a symlink at its end is followed), or by a descriptor, which nobody can swap for another. */
export type Place = string | number;

const named = (place: Place): string => (typeof place === 'string' ? place : `descriptor ${place}`);
const at = (place: Place): [directory: number, path: string] =>
  typeof place === 'string' ? [AT_FDCWD, place] : [place, ''];

/** mount(2). `data` is the file system's own options, `lowerdir=…,upperdir=…`: at most 4095 bytes. */
export function mount(source: string, target: string, type: string, flags = 0, data = ''): void {
  const what = `mount ${type || 'with flags'} ${source || 'nothing'} on ${target}`;
  if (data.length > DATA_MAX)
    throw new KataError(
      'invalid-argument',
      `${what}: options of at most ${DATA_MAX} bytes are expected, found ${data.length}`,
    );
  check(syscall(NR.mount, source, target, type || null, flags, data || null), what);
}

/** Sets how mounts and unmounts spread: `MS.PRIVATE`, `SLAVE`, `SHARED` or `UNBINDABLE`, with `MS.REC` for all below. */
export function setPropagation(path: string, propagation: number): void {
  check(syscall(NR.mount, null, path, null, propagation, null), `set the propagation of ${path}`);
}

/** umount2(2). Never follows a symlink at the end of `target`. */
export function umount(target: string, flags: number = 0): void {
  check(syscall(NR.umount2, target, flags | MNT.NOFOLLOW), `unmount ${target}`);
}

/** A detached copy of the mount at `source` (open_tree(2)), with all below it if `recursive`. Closing it discards it. */
export function openTree(source: Place, options: { recursive?: boolean } = {}): number {
  const flags = OPEN_TREE_CLONE | O.CLOEXEC | AT_EMPTY_PATH | (options.recursive ? AT_RECURSIVE : 0);
  return check(syscall(NR.open_tree, ...at(source), flags), `copy the mount ${named(source)}`);
}

/** Attaches a detached mount at `target` (move_mount(2)); a symlink at the end of a path is not followed. */
export function moveMount(treeFd: number, target: Place): void {
  const flags = MOVE_MOUNT_F_EMPTY_PATH | (typeof target === 'number' ? MOVE_MOUNT_T_EMPTY_PATH : 0);
  check(syscall(NR.move_mount, treeFd, '', ...at(target), flags), `attach a mount at ${named(target)}`);
}

export interface MountAttributes {
  /** `MOUNT_ATTR` bits to set. */
  set?: number;
  /** `MOUNT_ATTR` bits to clear. */
  clear?: number;
  /** One of `MS.PRIVATE`, `SLAVE`, `SHARED`, `UNBINDABLE`. */
  propagation?: number;
  /** Also every mount below; all or none of them change. */
  recursive?: boolean;
}

/** Changes a mount's attributes (mount_setattr(2)). A path's last symlink is not followed. */
export function mountSetattr(place: Place, attributes: MountAttributes): void {
  const { set = 0, clear = 0, propagation = 0, recursive = false } = attributes;
  const fields = new BigUint64Array([BigInt(set), BigInt(clear), BigInt(propagation), 0n]);
  const flags = (typeof place === 'number' ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW) | (recursive ? AT_RECURSIVE : 0);
  const [directory, path] = at(place);
  check(
    syscall(NR.mount_setattr, directory, path, flags, fields, fields.byteLength),
    `change the attributes of the mount ${named(place)}`,
  );
}

export interface BindOptions {
  /** Also what is mounted below the source. */
  recursive?: boolean;
  /** Read-only from the first moment, with everything that comes along. */
  readOnly?: boolean;
}

/** Shows `source` at `target` as well; both exist, and are both directories or neither is. */
export function bindMount(source: Place, target: Place, options: BindOptions = {}): void {
  const recursive = options.recursive ?? false;
  const tree = openTree(source, { recursive });
  try {
    if (options.readOnly) mountSetattr(tree, { set: MOUNT_ATTR.RDONLY, recursive });
    moveMount(tree, target);
  } finally {
    close(tree);
  }
}

function enter(fd: number, what: string): void {
  check(syscall(NR.fchdir, fd), `enter ${what}`);
}

/**
 * Makes the mount at `newRoot` the root of this mount namespace and drops the old one (pivot_root(2)), with no folder
 * needed to put the old one into. The working directory is `/` afterwards. `newRoot` must be a mount point, and the
 * present root no initramfs: see `moveRoot`.
 */
export function pivotRoot(newRoot: string): void {
  const oldFd = open('/', O.DIRECTORY | O.RDONLY);
  const newFd = open(newRoot, O.DIRECTORY | O.RDONLY);
  try {
    enter(newFd, newRoot);
    check(syscall(NR.pivot_root, '.', '.'), `make ${newRoot} the root`);
    enter(oldFd, 'the old root');
    // Or the unmounts below would spread to whoever shares mounts with us.
    setPropagation('.', MS.SLAVE | MS.REC);
    check(syscall(NR.umount2, '.', MNT.DETACH), 'unmount the old root');
    check(syscall(NR.chdir, '/'), 'enter the new root');
  } finally {
    close(oldFd);
    close(newFd);
  }
}

/**
 * Makes the mount at `newRoot` the root where pivot_root(2) cannot: an initramfs is never replaced, only covered. What
 * it holds stays in memory. After this `pivotRoot` works.
 */
export function moveRoot(newRoot: string): void {
  check(syscall(NR.chdir, newRoot), `enter ${newRoot}`);
  mount('.', '/', '', MS.MOVE);
  check(syscall(NR.chroot, '.'), `make ${newRoot} the root`);
  check(syscall(NR.chdir, '/'), 'enter the new root');
}
