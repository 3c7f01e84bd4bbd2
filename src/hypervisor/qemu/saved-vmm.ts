import { KataError } from '../../errors/kata-error.ts';
import { concatenate } from '../../os/bytes.ts';
import type { ProcessImage } from '../../os/checkpoint/image.ts';
import { addPrefault, touchedPages } from '../../os/checkpoint/prefault.ts';
import { checkImage } from '../../os/checkpoint/restore.ts';
import { saveImage } from '../../os/checkpoint/save.ts';
import { readFile, removeFile, writeFile } from '../../os/file.ts';
import { utf8Decode, utf8Encode } from '../../os/utf8.ts';
import type { SavedVmm } from '../hypervisor.ts';
import { checksumOf } from './device-state.ts';
import { GIVEN_DESCRIPTORS } from './launch.ts';

/** A description takes some 20 KiB. */
const MAX_IMAGE_BYTES = 2 ** 20;

/**
 * Saves QEMU's process, whose guest is stopped, beside the guest. QEMU goes on. Restoring it takes a third of the time that
 * a new QEMU takes to read the state of its devices, and the guest's code is translated already.
 */
export async function saveVmm(pid: number, memoryPath: string, paths: Omit<SavedVmm, 'checksum'>): Promise<SavedVmm> {
  try {
    return write(paths, await saveImage(pid, { path: paths.pagesPath, memoryPath, given: GIVEN_DESCRIPTORS }));
  } catch (error) {
    removeFile(paths.pagesPath);
    throw error;
  }
}

/** Notes which pages a QEMU that was restored has touched by now: those that are restored from now on touch them first thing. */
export function notePages(pid: number, saved: SavedVmm): SavedVmm {
  const image = readSavedVmm(saved);
  return write(saved, addPrefault(saved.pagesPath, image, touchedPages(pid, saved.pagesPath, image)));
}

function write({ imagePath, pagesPath }: Omit<SavedVmm, 'checksum'>, image: ProcessImage): SavedVmm {
  const description = utf8Encode(JSON.stringify(image));
  writeFile(imagePath, description, 0o600);
  return { imagePath, pagesPath, checksum: checksum(description, pagesPath, image) };
}

/** The description of a saved QEMU. `failed-precondition` when it is not what was saved, or a library of it was replaced. */
export function readSavedVmm({ imagePath, pagesPath, checksum: expected }: SavedVmm): ProcessImage {
  const description = readFile(imagePath, MAX_IMAGE_BYTES);
  let image: ProcessImage;
  let found: number;
  try {
    image = JSON.parse(utf8Decode(description));
    found = checksum(description, pagesPath, image);
  } catch (error) {
    throw damaged(imagePath, error);
  }
  if (found !== expected) throw damaged(imagePath);
  checkImage(image);
  return image;
}

const checksum = (description: Uint8Array, pagesPath: string, { program }: ProcessImage): number =>
  checksumOf(concatenate([description, readFile(pagesPath, program.bytes)]));

const damaged = (path: string, cause?: unknown): KataError =>
  new KataError(
    'failed-precondition',
    `${path} and the file beside it are expected as they were saved: they were damaged`,
    {
      cause,
    },
  );
