import type { Config } from '../config/config.ts';
import { joinPath } from '../config/paths.ts';
import { getcwd } from '../os/cwd.ts';
import { readlink } from '../os/file.ts';
import { isTty } from '../os/tty.ts';
import { ImageCache } from '../rootfs/image-cache.ts';
import { ImageStore } from '../rootfs/oci-image/image-store.ts';
import type { StoredImage } from '../rootfs/oci-image/stored-image.ts';
import { tell } from './output.ts';

/** Where pulled images are kept. */
const IMAGES = '/var/lib/kata-containers/images';

/** The images of this machine, and those that came with the installation. */
export function openImageStore(): ImageStore {
  return new ImageStore({
    directory: IMAGES,
    builtInDirectory: joinPath(readlink('/proc/self/exe'), '../../share/kata-containers/images'),
    workingDirectory: getcwd(),
  });
}

/** The roots that are made of them, kept where the shim keeps those of snapshots. */
export function openRootCache({ runtime }: Config, log: (message: string) => void): ImageCache {
  return new ImageCache({ directory: runtime.rootfsCacheDir, sizeMib: runtime.rootfsCacheSizeMib, log });
}

/** Fetches an image; a person at a terminal sees how it goes on. */
export function pullImage(store: ImageStore, reference: string, quiet: boolean): Promise<StoredImage> {
  return store.pull(reference, !quiet && isTty(2) ? { progressFd: 2 } : {});
}

/** The image, fetched when it is not here. */
export async function obtainImage(store: ImageStore, reference: string, quiet: boolean): Promise<StoredImage> {
  const found = store.find(reference);
  if (found !== null) return found;
  if (!quiet) tell(`${reference} is not on this machine, it is fetched\n`);
  return pullImage(store, reference, quiet);
}
