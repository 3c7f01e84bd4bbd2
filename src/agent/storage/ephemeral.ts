import { KataError } from '../../errors/kata-error.ts';
import { chmod, chown } from '../../os/file.ts';
import { MS, mount } from '../../os/mount.ts';
import { stat } from '../../os/stat.ts';
import { isMountPoint } from '../../os/unmount.ts';
import type { Storage } from '../../protocols/gen/agent.ts';
import { parseMountOptions } from '../mount-options.ts';
import { parseHugePages } from './huge-page-options.ts';
import { reserveHugePages } from './huge-pages.ts';
import { mountStorage } from './mount-storage.ts';
import { optionValue } from './option-value.ts';
import type { AttachedStorage, StorageDriver } from './storage-driver.ts';

const SET_GROUP_ID = 0o2000;
const KEEP = 0xffffffff;

/** Gives a folder to the group of `fsgid=`, and all that is made in it. */
export function giveToGroup(path: string, groupId: string): void {
  const group = Number(groupId);
  if (!/^\d{1,10}$/.test(groupId))
    throw new KataError('invalid-argument', `fsgid is expected to be a number, found ${groupId}`);
  chown(path, KEEP, group);
  chmod(path, (stat(path).mode & 0o7777) | SET_GROUP_ID);
}

const withoutGroup = (options: readonly string[]): string[] => options.filter((option) => !option.startsWith('fsgid='));

/**
 * Memory as a file system: tmpfs, or hugetlbfs with its pages reserved.
 *
 * Unlike Kata: a tmpfs gets the options that were asked for, its size among them; upstream drops all but `fsgid`.
 */
export const ephemeral: StorageDriver = {
  name: 'ephemeral',
  async attach(storage): Promise<AttachedStorage> {
    if (storage.fstype === 'hugetlbfs') reserveHugePages(parseHugePages(storage.options));
    const attached = mountStorage(storage, { options: withoutGroup(storage.options) });
    try {
      const group = optionValue(storage.options, 'fsgid');
      if (group !== undefined) giveToGroup(storage.mountPoint, group);
      return attached;
    } catch (error) {
      attached.detach();
      throw error;
    }
  },
};

/** Gives memory file systems that are mounted other options: another size. */
export function resizeEphemeral(storages: readonly Storage[]): void {
  for (const { driver, source, fstype, options, mountPoint } of storages) {
    if (driver !== ephemeral.name)
      throw new KataError(
        'invalid-argument',
        `only ephemeral storages can be changed, found ${driver} at ${mountPoint}`,
      );
    if (options.length === 0) continue;
    if (!isMountPoint(mountPoint)) throw new KataError('not-found', `nothing is mounted at ${mountPoint}`);
    const { flags, data } = parseMountOptions(withoutGroup(options));
    mount(source, mountPoint, fstype, flags | MS.REMOUNT, data);
  }
}
