import { KataError } from '../../errors/kata-error.ts';
import { makeDirectories, removeDirectory } from '../../os/directory.ts';
import { isErrno } from '../../os/errno.ts';
import { close, O, open } from '../../os/fd.ts';
import { removeFile } from '../../os/file.ts';
import { bindMount, mount, mountSetattr } from '../../os/mount.ts';
import { isType, lstatIfExists, S, stat } from '../../os/stat.ts';
import { unmountAll } from '../../os/unmount.ts';
import type { Storage } from '../../protocols/gen/agent.ts';
import { type MountOptions, parseMountOptions } from '../mount-options.ts';
import { setFsGroup } from './fs-group.ts';
import type { AttachedStorage } from './storage-driver.ts';

/** What differs from the storage as it was asked for. */
export interface MountChanges {
  /** The device's node, where `Storage.source` is an address. */
  source?: string;
  /** Options instead of the storage's own. */
  options?: readonly string[];
}

/** Mounts a storage at its mount point, which is made if need be, and gives it to its group. */
export function mountStorage(storage: Storage, changes: MountChanges = {}): AttachedStorage {
  const { mountPoint, fstype } = storage;
  const source = changes.source ?? storage.source;
  const options = parseMountOptions((changes.options ?? storage.options).flatMap((text) => text.split(',')));
  const bound = fstype === 'bind' || options.bind;
  const made = makeMountPoint(mountPoint, bound ? source : undefined);
  const attached = { detach: () => unmountStorage(mountPoint, made) };
  try {
    if (bound) bind(source, mountPoint, options);
    else mount(source, mountPoint, fstype, options.flags, options.data);
    setFsGroup(storage);
    return attached;
  } catch (error) {
    attached.detach();
    throw error;
  }
}

function bind(source: string, mountPoint: string, { recursive, attributes }: MountOptions): void {
  bindMount(source, mountPoint, { recursive });
  mountSetattr(mountPoint, { set: attributes.set, clear: attributes.clear });
}

/** Makes a folder, or a file where a file is bound; whether there was none. */
function makeMountPoint(path: string, boundSource: string | undefined): boolean {
  const there = lstatIfExists(path);
  if (there !== null) {
    if (isType(there, S.IFLNK)) throw new KataError('invalid-argument', `${path} is expected to be no symlink`);
    return false;
  }
  if (boundSource === undefined || isType(stat(boundSource), S.IFDIR)) {
    makeDirectories(path);
  } else {
    makeDirectories(path.slice(0, path.lastIndexOf('/')));
    close(open(path, O.WRONLY | O.CREAT));
  }
  return true;
}

/** Unmounts what is really mounted at a mount point, and removes the empty folder or file if it was made for it. */
function unmountStorage(mountPoint: string, made: boolean): KataError[] {
  const failures = unmountAll(mountPoint, { lazy: true });
  if (!made || failures.length > 0) return failures;
  try {
    const there = lstatIfExists(mountPoint);
    if (there !== null && isType(there, S.IFDIR)) removeDirectory(mountPoint);
    else removeFile(mountPoint);
  } catch (error) {
    // Somebody has put something below the mount point, which is not ours to remove; read-only is what it stood on.
    if (!isErrno(error, 'ENOTEMPTY', 'EROFS')) failures.push(KataError.from(error));
  }
  return failures;
}
