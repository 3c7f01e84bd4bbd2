import { syscall } from 'sys';
import { check, isErrno } from '../../os/errno.ts';
import { close, O } from '../../os/fd.ts';
import { moveMount, openTree } from '../../os/mount.ts';
import { openInRoot, type PlaceInRoot, parentInRoot } from '../../os/resolve.ts';
import { fstat, isType, S } from '../../os/stat.ts';
import { NR } from '../../syscall/numbers.ts';

const TRUTH = '/proc/mounts';
const TEMPORARY = '.mtab.kata-ts';

/**
 * Lets `/etc/mtab` tell the truth to `mount` and `df`: an image that has a regular file there gets the symlink to
 * `/proc/mounts` in the container's writable layer; on a read-only root the container's own table is mounted over the
 * file. A table that is itself mounted, lies on another mount, or is no regular file is left as it is.
 */
export function fixMtab(rootFd: number, readOnlyRoot: boolean): void {
  let etc: PlaceInRoot;
  try {
    etc = parentInRoot(rootFd, '/etc/mtab');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return;
    throw error;
  }
  using place = etc;
  const fd = syscall(NR.openat, place.folderFd, place.name, O.PATH | O.NOFOLLOW | O.CLOEXEC, 0);
  if (fd < 0) return;
  try {
    const found = fstat(fd);
    if (!isType(found, S.IFREG) || found.mountId !== fstat(rootFd).mountId) return;
    if (readOnlyRoot || !replaceByLink(place)) mountTruth(rootFd, fd);
  } finally {
    close(fd);
  }
}

/** False when the root's file system cannot be written. */
function replaceByLink({ folderFd, name }: PlaceInRoot): boolean {
  // Renamed into place, so that there is a table at every moment.
  syscall(NR.unlinkat, folderFd, TEMPORARY, 0);
  try {
    check(syscall(NR.symlinkat, TRUTH, folderFd, TEMPORARY), 'make the link to /proc/mounts');
    check(syscall(NR.renameat2, folderFd, TEMPORARY, folderFd, name, 0), 'replace /etc/mtab');
    return true;
  } catch (error) {
    if (isErrno(error, 'EROFS')) return false;
    throw error;
  }
}

/** The file of the container's first process, opened through the container's own `/proc`; none mounted, none shown. */
function mountTruth(rootFd: number, target: number): void {
  let source: number;
  try {
    source = openInRoot(rootFd, '/proc/self/mounts', O.PATH);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return;
    throw error;
  }
  try {
    const tree = openTree(source);
    try {
      moveMount(tree, target);
    } finally {
      close(tree);
    }
  } finally {
    close(source);
  }
}
