import { syscall } from 'sys';
import { check } from '../os/errno.ts';
import { AT_FDCWD, close } from '../os/fd.ts';
import { chmod, readText, readTextIfExists, removeFile, writeFile } from '../os/file.ts';
import { runChecked } from '../os/process.ts';
import { fstat } from '../os/stat.ts';
import { NR } from '../syscall/numbers.ts';
import { lockExisting } from './file-lock.ts';
import { isSame, type Layer } from './layer.ts';

const VERSION = 1;
/** The mode of an image whose every byte is known to be on the disk. */
const FLUSHED = 0o400;

/** What is known of an image beside it. */
interface Description {
  version: typeof VERSION;
  /** Of the boot in which it was made. */
  bootId: string;
  layers: readonly Layer[];
}

const bootId = (): string => readText('/proc/sys/kernel/random/boot_id').trim();

/** The images of a cache: three files for each key. */
export class CacheEntries {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  imagePath(key: string): string {
    return `${this.#directory}/${key}.erofs`;
  }

  descriptionPath(key: string): string {
    return `${this.#directory}/${key}.json`;
  }

  lockPath(key: string): string {
    return `${this.#directory}/${key}.lock`;
  }

  /** A shared lock on a usable image, and a note that it is used now; null when there is none. */
  open(key: string): number | null {
    const path = this.imagePath(key);
    const fd = lockExisting(path, 'shared');
    if (fd === null) return null;
    const description = this.#read(key);
    // After a crash of the machine a file that was not flushed has its name and size, but perhaps not its bytes.
    const whole = (fstat(fd).mode & 0o777) === FLUSHED || description?.bootId === bootId();
    if (description === null || !whole) {
      close(fd);
      return null;
    }
    check(syscall(NR.utimensat, AT_FDCWD, path, null, 0), `note the use of ${path}`);
    return fd;
  }

  /**
   * To be called, under the key's lock, before the image gets its name: until then nobody believes a description, so that
   * it need not appear at once.
   */
  describe(key: string, layers: readonly Layer[]): void {
    const description: Description = { version: VERSION, bootId: bootId(), layers };
    writeFile(this.descriptionPath(key), JSON.stringify(description), 0o600);
  }

  /** Brings an image to the disk, in a child process: that may take longer than anything may wait. */
  async flush(key: string): Promise<void> {
    const path = this.imagePath(key);
    await runChecked(['sync', this.descriptionPath(key), path, this.#directory]);
    chmod(path, FLUSHED);
  }

  /** Whether some folder that the image was made of is gone or another one now, or nothing is known of it. */
  isStale(key: string): boolean {
    const description = this.#read(key);
    return description === null || !description.layers.every(isSame);
  }

  /** Removes the image; the caller holds the key's lock and an exclusive one on the image, if there is one. */
  remove(key: string): void {
    removeFile(this.imagePath(key));
    removeFile(this.descriptionPath(key));
  }

  #read(key: string): Description | null {
    const text = readTextIfExists(this.descriptionPath(key));
    if (text === null) return null;
    try {
      const description = JSON.parse(text) as Description;
      return description.version === VERSION && Array.isArray(description.layers) ? description : null;
    } catch {
      return null;
    }
  }
}
