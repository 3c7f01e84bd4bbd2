import { isMountPoint } from '../../os/unmount.ts';
import { mountStorage } from './mount-storage.ts';
import type { StorageDriver } from './storage-driver.ts';

/** A folder of the host by virtio-fs, by its tag. */
export const virtioFs: StorageDriver = {
  name: 'virtio-fs',
  async attach(storage, { modulesReady }) {
    await modulesReady;
    // Already there when the guest's own start has mounted it.
    if (storage.source === 'kataShared' && isMountPoint(storage.mountPoint)) return { detach: () => [] };
    return mountStorage({ ...storage, fstype: storage.fstype || 'virtiofs' });
  },
};
