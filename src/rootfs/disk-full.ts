import { KataError } from '../errors/kata-error.ts';
import { statfs } from '../os/stat.ts';

/** A disk with less than this is full. */
const FULL_BYTES = 128 * 1024;

/**
 * Whether a program that failed to write below `path` had no room. What it said is asked first, then the disk: the words
 * differ, some programs name another error, and umoci 0.4.7 panics.
 */
export function wasDiskFull(said: string, path: string): boolean {
  return /no space left|disk quota exceeded/i.test(said) || statfs(path).availableBytes < FULL_BYTES;
}

/** The error for it; `what` could not be written. */
export const diskFull = (what: string, why: string): KataError =>
  new KataError('resource-exhausted', `there is no room for ${what}: ${why}`, {
    hint: 'free some space there, or set rootfs_cache_dir to a folder on another disk',
    errno: 'ENOSPC',
  });
