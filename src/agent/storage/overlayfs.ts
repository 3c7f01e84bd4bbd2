import { makeDirectories } from '../../os/directory.ts';
import { mountStorage } from './mount-storage.ts';
import { optionValues } from './option-value.ts';
import type { StorageDriver } from './storage-driver.ts';

const CREATE_DIRECTORY = 'io.katacontainers.volume.overlayfs.create_directory';

/** Layers, the uppermost writable; its folders are made first when the driver options name them. */
export const overlayfs: StorageDriver = {
  name: 'overlayfs',
  async attach(storage, { modulesReady }) {
    await modulesReady;
    for (const folder of optionValues(storage.driverOptions, CREATE_DIRECTORY)) makeDirectories(folder);
    return mountStorage(storage);
  },
};
