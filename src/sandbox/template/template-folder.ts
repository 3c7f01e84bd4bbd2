import { makeDirectories } from '../../os/directory.ts';
import { close } from '../../os/fd.ts';
import { lockFile } from '../../os/file.ts';
import { MS, mount } from '../../os/mount.ts';
import { lstatIfExists, statfs } from '../../os/stat.ts';
import { isMountPoint, unmountAll } from '../../os/unmount.ts';

const TMPFS_MAGIC = 0x01021994;
const HUGETLBFS_MAGIC = 0x958458f6;

/** Whether files there are memory: a template on a disk would be written there with every page that its maker touches. */
function isInMemory(path: string): boolean {
  const { type } = statfs(path);
  return type === TMPFS_MAGIC || type === HUGETLBFS_MAGIC;
}

/** Makes the folder of templates, for root alone, and mounts a tmpfs there unless it is on one. As upstream does. */
export function prepareTemplateFolder(path: string): void {
  makeDirectories(path, 0o700);
  if (isInMemory(path)) return;
  // Two that come first at once would mount one over the other.
  const lock = lockFile(`${path.slice(0, path.lastIndexOf('/'))}/.template.lock`, 'exclusive')!;
  try {
    if (!isInMemory(path)) mount('kata-templates', path, 'tmpfs', MS.NOSUID | MS.NODEV | MS.NOEXEC, 'mode=0700');
  } finally {
    close(lock);
  }
}

/** Takes the tmpfs away again, if there is one that is ours. VMs keep what they map of it. */
export function removeTemplateFolder(path: string): void {
  if (lstatIfExists(path) === null || !isMountPoint(path)) return;
  for (const failure of unmountAll(path, { lazy: true })) throw failure;
}
