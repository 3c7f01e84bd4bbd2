import { KataError } from '../../errors/kata-error.ts';
import { makeDirectory, removeTree } from '../../os/directory.ts';
import { close } from '../../os/fd.ts';
import { symlink, writeFile } from '../../os/file.ts';
import { findExecutable, run } from '../../os/process.ts';
import { randomHex } from '../../os/random.ts';
import { SIGNAL } from '../../os/signal.ts';
import { statfs } from '../../os/stat.ts';
import { diskFull, wasDiskFull } from '../disk-full.ts';
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
    checkRoom(image, folder);
    writeLayout(image, folder);
    const argv = [program, 'raw', 'unpack', '--image', `${folder}:image`, `${folder}/root`];
    const { status, stdout, stderr } = await run(argv, { parentDeathSignal: SIGNAL.KILL });
    if (status.code !== 0) throw explain(`${stdout}\n${stderr}`, image, folder);
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

/** Layers are compressed, so that their files take more than this, as a rule twice or three times. */
function checkRoom({ name, sizeBytes }: StoredImage, folder: string): void {
  const { availableBytes } = statfs(folder);
  if (sizeBytes <= availableBytes) return;
  const mib = (bytes: number): number => Math.ceil(bytes / 2 ** 20);
  throw diskFull(
    `the files of the image ${name}`,
    `more than ${mib(sizeBytes)} MiB are needed, ${mib(availableBytes)} MiB are free`,
  );
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

function explain(output: string, { name }: StoredImage, folder: string): KataError {
  const lines = output.trim().split('\n');
  const panic = lines.find((line) => line.startsWith('panic:'));
  const said = (panic ?? lines.find((line) => line.includes('⨯')) ?? lines.at(-1) ?? '').replace(/^[\s⨯]+/, '');
  if (wasDiskFull(output, folder)) return diskFull(`the files of the image ${name}`, `umoci said: ${said}`);
  return new KataError('data-loss', `the image ${name} is expected to be unpacked, umoci said: ${said}`, {
    // 0.4.7 ends so when a compressed layer cannot be written to its end, and what it wrote is removed by then.
    hint:
      panic === undefined
        ? `kata-runtime rmi ${name}, then pull it again`
        : `see whether the disk is full: df ${folder}`,
  });
}
