import { KataError } from '../errors/kata-error.ts';
import { makeDirectories, makeDirectory } from '../os/directory.ts';
import { close } from '../os/fd.ts';
import { exists, removeFile, rename } from '../os/file.ts';
import { randomHex } from '../os/random.ts';
import { fstat, lstat } from '../os/stat.ts';
import { monotonicMs, sleep } from '../os/timer.ts';
import { CacheEntries } from './cache-entries.ts';
import { lockExisting, lockOrMake, makeLocked } from './file-lock.ts';
import type { Layer } from './layer.ts';
import type { RootImage } from './root-image.ts';
import { sweep } from './sweep.ts';

const POLL_MS = 10;
const WAIT_MS = 15 * 60_000;

export interface ImageCacheOptions {
  /** Made when it is not there. Absolute. */
  directory: string;
  /** What unused images may take in all; 0: no bound. */
  sizeMib: number;
  log?: (message: string) => void;
}

/** Writes an image to `path`, an empty file; `mountPoint` is an empty folder that a child process may mount over. */
export type MakeImage = (path: string, mountPoint: string) => Promise<void>;

/**
 * EROFS images of the roots of containers. One is made once, by whoever needs it first, while others wait; it is used by
 * any number of processes, each holding a shared lock that ends with the process, and goes when it is unused and there is
 * no room, or when what it was made of is gone. Only a whole image ever has an image's name.
 */
export class ImageCache {
  readonly #directory: string;
  readonly #limitBytes: number;
  readonly #log: (message: string) => void;
  readonly #entries: CacheEntries;

  constructor({ directory, sizeMib, log = () => {} }: ImageCacheOptions) {
    this.#directory = directory;
    this.#limitBytes = sizeMib === 0 ? Number.POSITIVE_INFINITY : sizeMib * 2 ** 20;
    this.#log = log;
    this.#entries = new CacheEntries(directory);
    makeDirectories(directory, 0o700);
    makeDirectory(this.#mountPoint, 0o700);
  }

  /** Where temporary folders of whoever makes an image may be; one that ends in `.tmp` is swept when nobody locks it. */
  get directory(): string {
    return this.#directory;
  }

  get #mountPoint(): string {
    return `${this.#directory}/mount`;
  }

  /** The image with this key, made if need be. `layers` are the folders that it is made of, none if it has no such. */
  async acquire(key: string, layers: readonly Layer[], make: MakeImage): Promise<RootImage> {
    const start = monotonicMs();
    for (;;) {
      const held = this.#entries.open(key);
      if (held !== null) return this.#image(this.#entries.imagePath(key), held);
      const lock = lockOrMake(this.#entries.lockPath(key), 'exclusive');
      if (lock !== null) {
        try {
          const madeMeanwhile = this.#entries.open(key);
          if (madeMeanwhile !== null) return this.#image(this.#entries.imagePath(key), madeMeanwhile);
          return await this.#makeShared(key, layers, make);
        } finally {
          close(lock);
        }
      }
      if (monotonicMs() - start > WAIT_MS)
        throw new KataError(
          'deadline-exceeded',
          `another process makes the image ${key} for ${WAIT_MS / 60_000} minutes now`,
        );
      await sleep(POLL_MS);
    }
  }

  /** An image for one user, removed when released. */
  async acquirePrivate(make: MakeImage): Promise<RootImage> {
    const path = `${this.#directory}/private-${randomHex(8)}.tmp`;
    const fd = await this.#make(path, make);
    return this.#image(path, fd, () => removeFile(path));
  }

  async #makeShared(key: string, layers: readonly Layer[], make: MakeImage): Promise<RootImage> {
    const temporary = `${this.#directory}/${key}-${randomHex(8)}.tmp`;
    const fd = await this.#make(temporary, make);
    const path = this.#entries.imagePath(key);
    try {
      this.#entries.describe(key, layers);
      rename(temporary, path);
    } catch (error) {
      removeFile(temporary);
      close(fd);
      throw error;
    }
    this.#entries.flush(key).catch((error: unknown) => {
      // An image that went before it was flushed needs no flush.
      if (exists(path)) this.#log(`flush ${path}: ${KataError.from(error).line}`);
    });
    return this.#image(path, fd);
  }

  /** Makes a file of a whole image at `path`, locked; when there is no room, unused images go and it is tried again. */
  async #make(path: string, make: MakeImage): Promise<number> {
    try {
      return await this.#makeOnce(path, make);
    } catch (error) {
      if (KataError.from(error).code !== 'resource-exhausted' || this.sweep(0) === 0) throw error;
      return await this.#makeOnce(path, make);
    }
  }

  async #makeOnce(path: string, make: MakeImage): Promise<number> {
    const fd = await newLocked(path);
    try {
      await make(path, this.#mountPoint);
      if (lstat(path).inode !== fstat(fd).inode)
        throw new KataError('internal', `${path} was expected to be written to, it was replaced`);
      return fd;
    } catch (error) {
      removeFile(path);
      close(fd);
      throw error;
    }
  }

  #image(path: string, fd: number, remove: () => void = () => {}): RootImage {
    let released = false;
    return {
      path,
      fsType: 'erofs',
      release: () => {
        if (released) return;
        released = true;
        try {
          remove();
        } finally {
          close(fd);
          this.#sweepQuietly();
        }
      },
    };
  }

  #sweepQuietly(): void {
    try {
      this.sweep();
    } catch (error) {
      this.#log(`clean up ${this.#directory}: ${KataError.from(error).line}`);
    }
  }

  /**
   * Removes unused images: those whose layers are gone, then the longest unused until the others take no more than
   * `limitBytes` (default: what is configured); and what processes that were killed left half-written. The bytes freed.
   */
  sweep(limitBytes: number = this.#limitBytes): number {
    return sweep(this.#directory, this.#entries, limitBytes);
  }

  /** Holds an image of this cache, made by whomever; null when it is not there. */
  hold(key: string): RootImage | null {
    const fd = this.#entries.open(key);
    return fd === null ? null : this.#image(this.#entries.imagePath(key), fd);
  }
}

/** A new locked file. One that a sweep finds before it is locked is removed, and made again. */
async function newLocked(path: string): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const fd = makeLocked(path, 'shared');
    if (fd !== null) return fd;
    await sleep(POLL_MS);
  }
  throw new KataError('internal', `${path} is expected to be a new file, somebody else locks it again and again`);
}

/** Holds a file that is used as it is, so that a cache that it may belong to keeps it. */
export function holdFile(path: string, fsType: RootImage['fsType']): RootImage | null {
  const fd = lockExisting(path, 'shared');
  return fd === null ? null : { path, fsType, release: () => close(fd) };
}
