import { KataError } from '../../errors/kata-error.ts';
import { makeDirectories } from '../../os/directory.ts';
import { chmod } from '../../os/file.ts';
import { removeOwnTree } from '../files/remove-own-tree.ts';
import { giveToGroup } from './ephemeral.ts';
import { optionValue } from './option-value.ts';
import type { StorageDriver } from './storage-driver.ts';

/** A folder of the guest's own, gone with the sandbox: an emptyDir on "disk". */
export const local: StorageDriver = {
  name: 'local',
  async attach({ mountPoint, options }) {
    makeDirectories(mountPoint);
    const mode = optionValue(options, 'mode');
    if (mode !== undefined) {
      if (!/^[0-7]{1,4}$/.test(mode))
        throw new KataError('invalid-argument', `mode is expected to be octal, found ${mode}`);
      chmod(mountPoint, Number.parseInt(mode, 8));
    }
    const group = optionValue(options, 'fsgid');
    if (group !== undefined) giveToGroup(mountPoint, group);
    return { detach: () => removeOwnTree(mountPoint) };
  },
};
