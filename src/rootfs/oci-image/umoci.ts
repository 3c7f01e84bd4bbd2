import { KataError } from '../../errors/kata-error.ts';
import { makeDirectory, removeTree } from '../../os/directory.ts';
import { close } from '../../os/fd.ts';
import { symlink, writeFile } from '../../os/file.ts';
import { findExecutable, run } from '../../os/process.ts';
import { randomHex } from '../../os/random.ts';
import { SIGNAL } from '../../os/signal.ts';
import { lockExisting } from '../file-lock.ts';
import { REF_NAME, readIndex } from './image-layout.ts';
import type { StoredImage } from './stored-image.ts';

/**
 * Unpacks an image into a folder below `directory` that only root may enter, hands it to `use`, and removes it, whatever
 * happens. Should we be killed, `ImageCache.sweep` removes it.
 */
export async function unpackImage(
  image: StoredImage,
  directory: string,
  use: (root: string) => Promise<void>,
): Promise<void> {
  const program = findUmoci();
  const folder = `${directory}/unpack-${randomHex(8)}.tmp`;
  makeDirectory(folder, 0o700);
  const lock = lockExisting(folder, 'shared');
  try {
    writeLayout(image, folder);
    const argv = [program, 'raw', 'unpack', '--image', `${folder}:image`, `${folder}/root`];
    const { status, stderr } = await run(argv, { parentDeathSignal: SIGNAL.KILL });
    if (status.code !== 0) throw explain(stderr, image);
    await use(`${folder}/root`);
  } finally {
    removeTree(folder);
    close(lock ?? -1);
  }
}

/** A layout that names this image alone, its blobs where they are. */
function writeLayout({ layout, digest }: StoredImage, folder: string): void {
  const descriptor = readIndex(layout).find((manifest) => manifest.digest === digest);
  const manifests = [{ ...descriptor, annotations: { [REF_NAME]: 'image' } }];
  symlink(`${layout}/blobs`, `${folder}/blobs`);
  writeFile(`${folder}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
  writeFile(`${folder}/index.json`, JSON.stringify({ schemaVersion: 2, manifests }));
}

function findUmoci(): string {
  try {
    return findExecutable('umoci');
  } catch (error) {
    throw new KataError('not-found', 'umoci is needed to unpack images, it is not installed', {
      hint: 'apt install umoci',
      cause: error,
    });
  }
}

function explain(stderr: string, { name }: StoredImage): KataError {
  const said = stderr.trim().split('\n').at(-1)?.trim() ?? '';
  if (/no space left on device|disk quota exceeded/i.test(stderr))
    return new KataError('resource-exhausted', `there is no room on the disk to unpack the image ${name}`, {
      hint: 'free some space, or set rootfs_cache_dir to a folder on another disk',
      errno: 'ENOSPC',
    });
  return new KataError('data-loss', `the image ${name} is expected to be unpacked, umoci said: ${said}`, {
    hint: `kata-runtime rmi ${name}, then pull it again`,
  });
}
