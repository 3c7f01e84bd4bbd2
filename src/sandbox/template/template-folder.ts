import { makeDirectories, removeDirectory } from '../../os/directory.ts';
import { isErrno } from '../../os/errno.ts';
import { close } from '../../os/fd.ts';
import { lockFile, removeFile } from '../../os/file.ts';
import { MS, mount } from '../../os/mount.ts';
import { lstatIfExists, statfs } from '../../os/stat.ts';
import { listMounts, unmountAll } from '../../os/unmount.ts';

/** What our tmpfs is called in the list of mounts. */
const SOURCE = 'kata-templates';
const TMPFS_MAGIC = 0x01021994;
const HUGETLBFS_MAGIC = 0x958458f6;

/**
 * Whether files there are memory: a template on a disk would be written there with every page that its maker touches. And
 * whether they may be mapped to be executed: the code that a saved QEMU has translated is in one.
 */
function isFit(path: string): boolean {
  const { type, noExec } = statfs(path);
  return (type === TMPFS_MAGIC || type === HUGETLBFS_MAGIC) && !noExec;
}

/** Makes the folder of templates, for root alone, and mounts a tmpfs there unless it is on one that will do. As upstream does. */
export function prepareTemplateFolder(path: string): void {
  makeDirectories(path, 0o700);
  if (isFit(path)) return;
  // Two that come first at once would mount one over the other.
  const lock = lockFile(lockPath(path), 'exclusive')!;
  try {
    if (!isFit(path)) mount(SOURCE, path, 'tmpfs', MS.NOSUID | MS.NODEV, 'mode=0700');
  } finally {
    close(lock);
  }
}

/** Takes the empty folder away again, with the tmpfs if there is one. VMs keep what they map of it. */
export function removeTemplateFolder(path: string): void {
  if (lstatIfExists(path) === null) return;
  const isOurs = listMounts().some(({ mountPoint, source }) => mountPoint === path && source === SOURCE);
  if (isOurs) for (const failure of unmountAll(path, { lazy: true })) throw failure;
  removeFile(lockPath(path));
  try {
    removeDirectory(path);
  } catch (error) {
    // Somebody else has put something there, which is not ours to remove.
    if (!isErrno(error, 'ENOTEMPTY', 'EBUSY')) throw error;
  }
}

const lockPath = (path: string): string => `${path}.lock`;
