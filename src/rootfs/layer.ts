import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { isErrno } from '../os/errno.ts';
import { stat } from '../os/stat.ts';
import { utf8Encode } from '../os/utf8.ts';

/** A folder of the host that never changes, such as a committed layer of a snapshotter, as it was when it was looked at. */
export interface Layer {
  path: string;
  /** Tells it from a later folder of the same name. */
  identity: string;
}

/**
 * What a folder is, without reading what is in it: device, inode, birth and last change. A snapshotter whose store is
 * wiped uses names, and the kernel inode numbers, again; times of birth it does not.
 */
export function layerAt(path: string): Layer {
  const { device, inode, bornNs, changedNs } = stat(path);
  return { path, identity: `${device}:${inode}:${bornNs}:${changedNs}` };
}

/** Whether the folder is still the same. */
export function isSame(layer: Layer): boolean {
  try {
    return layerAt(layer.path).identity === layer.identity;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}

/** The key of what these parts make, in their order: 64 hexadecimal digits. */
export function contentKey(parts: readonly (string | number)[]): string {
  return bytesToHex(sha256(utf8Encode(JSON.stringify(parts))));
}
