import { listDirectory, removeTree } from '../os/directory.ts';
import { close } from '../os/fd.ts';
import { removeFile } from '../os/file.ts';
import { lstatIfExists } from '../os/stat.ts';
import type { CacheEntries } from './cache-entries.ts';
import { lockExisting, lockOrMake } from './file-lock.ts';

const BLOCK_BYTES = 512;

const bytesOf = (path: string): number => (lstatIfExists(path)?.blocks ?? 0) * BLOCK_BYTES;

/** Removes what nobody uses; see `ImageCache.sweep`. */
export function sweep(directory: string, entries: CacheEntries, limitBytes: number): number {
  const names = listDirectory(directory);
  let freedBytes = 0;
  for (const name of names) if (name.endsWith('.tmp')) freedBytes += removeUnlocked(`${directory}/${name}`);
  const keys = new Set(
    names.map((name) => /^([^.]+)\.(erofs|json|lock)$/.exec(name)?.[1]).filter((key) => key !== undefined),
  );
  const unused: { key: string; bytes: number; usedNs: bigint }[] = [];
  for (const key of keys) {
    freedBytes += withUnused(entries, key, () => {
      const stat = lstatIfExists(entries.imagePath(key));
      if (stat === null || entries.isStale(key)) return true;
      unused.push({ key, bytes: stat.blocks * BLOCK_BYTES, usedNs: stat.modifiedNs });
      return false;
    });
  }
  let totalBytes = unused.reduce((total, { bytes }) => total + bytes, 0);
  for (const { key, bytes } of unused.sort((a, b) => (a.usedNs < b.usedNs ? -1 : 1))) {
    if (totalBytes <= limitBytes) break;
    totalBytes -= bytes;
    freedBytes += withUnused(entries, key, () => true);
  }
  return freedBytes;
}

/** A half-written file or folder belongs to who holds its lock; without one its writer is dead. */
function removeUnlocked(path: string): number {
  const fd = lockExisting(path, 'exclusive');
  if (fd === null) return 0;
  try {
    const bytes = bytesOf(path);
    removeTree(path);
    return bytes;
  } finally {
    close(fd);
  }
}

/**
 * Removes an image that nobody uses and nobody makes, if `judge` says so; the bytes freed. The order of the locks is that
 * of `ImageCache.acquire`: the key's first.
 */
function withUnused(entries: CacheEntries, key: string, judge: () => boolean): number {
  const lock = lockOrMake(entries.lockPath(key), 'exclusive');
  if (lock === null) return 0;
  try {
    const path = entries.imagePath(key);
    const image = lockExisting(path, 'exclusive');
    try {
      // Without a lock on an image that is there, somebody uses it.
      if (image === null && lstatIfExists(path) !== null) return 0;
      if (!judge()) return 0;
      const bytes = bytesOf(path);
      entries.remove(key);
      return bytes;
    } finally {
      if (image !== null) close(image);
    }
  } finally {
    // Removed while it is held: who waits for it sees that it has no name any more, and makes a new one.
    removeFile(entries.lockPath(key));
    close(lock);
  }
}
