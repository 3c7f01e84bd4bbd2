import { KataError } from '../../errors/kata-error.ts';
import type { StorageDriver } from './storage-driver.ts';

/** An image that the guest pulls by itself, which needs a confidential data hub: refused with the way that works. */
export const imageGuestPull: StorageDriver = {
  name: 'image_guest_pull',
  async attach({ source }) {
    throw new KataError('unimplemented', `this guest cannot pull the image ${source} by itself`, {
      hint: 'let the host provide the root: switch guest pull off in snapshotter and runtime',
    });
  },
};
