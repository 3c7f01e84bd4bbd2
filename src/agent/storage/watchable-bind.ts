import { KataError } from '../../errors/kata-error.ts';
import { listDirectory, makeDirectories, removeTree } from '../../os/directory.ts';
import { chmod, chown, readFile, readlink, rename, symlink, writeFile } from '../../os/file.ts';
import { isType, lstat, lstatIfExists, S, type Stat } from '../../os/stat.ts';
import { after } from '../../os/timer.ts';
import type { Storage } from '../../protocols/gen/agent.ts';
import { log } from '../log/log.ts';
import { mountStorage } from './mount-storage.ts';
import type { AttachedStorage, StorageDriver } from './storage-driver.ts';

/** How often the source is looked at, and what is copied at most: upstream's numbers. */
const POLL_MS = 2000;
const MAX_ENTRIES = 16;
const MAX_BYTES = 1 << 20;

/** What tells two states of a file apart. */
type Known = Map<string, string>;

const stamp = (of: Stat): string => `${of.mode}:${of.sizeBytes}:${of.modifiedNs}:${of.inode}:${of.uid}:${of.gid}`;

/** All files, folders and links below `folder`, by relative path, each folder before what it holds. */
function scan(folder: string, prefix = '', found = new Map<string, Stat>()): Map<string, Stat> {
  for (const name of listDirectory(`${folder}/${prefix}`)) {
    const relative = `${prefix}${name}`;
    const at = lstat(`${folder}/${relative}`);
    found.set(relative, at);
    if (found.size > MAX_ENTRIES) throw tooMuch(`more than ${MAX_ENTRIES} files`);
    if (isType(at, S.IFDIR)) scan(folder, `${relative}/`, found);
  }
  const bytes = [...found.values()].reduce((sum, at) => sum + (isType(at, S.IFREG) ? at.sizeBytes : 0), 0);
  if (bytes > MAX_BYTES) throw tooMuch(`more than ${MAX_BYTES} bytes`);
  return found;
}

function tooMuch(what: string): KataError {
  return new KataError('resource-exhausted', `a watched volume is expected to be small, it has ${what}`);
}

/** Brings `target` to what `source` is now. Files appear whole: a reader never sees half of one. */
function synchronize(source: string, target: string, known: Known): void {
  const now = scan(source);
  for (const relative of [...known.keys()].reverse()) {
    if (now.has(relative)) continue;
    removeTree(`${target}/${relative}`);
    known.delete(relative);
  }
  for (const [relative, at] of now) {
    if (known.get(relative) === stamp(at)) continue;
    copy(`${source}/${relative}`, `${target}/${relative}`, at);
    known.set(relative, stamp(at));
  }
}

function copy(source: string, target: string, at: Stat): void {
  const there = lstatIfExists(target);
  if (isType(at, S.IFDIR)) {
    if (there !== null && !isType(there, S.IFDIR)) removeTree(target);
    makeDirectories(target);
  } else {
    if (there !== null && isType(there, S.IFDIR)) removeTree(target);
    const fresh = `${target}.kata-new`;
    removeTree(fresh);
    if (isType(at, S.IFLNK)) symlink(readlink(source), fresh);
    else writeFile(fresh, readFile(source, MAX_BYTES));
    rename(fresh, target);
  }
  if (isType(at, S.IFLNK)) return;
  chown(target, at.uid, at.gid);
  chmod(target, at.mode & 0o7777);
}

/** Copies the source every two seconds, if it has changed, until the result is called. */
function watch(source: string, target: string, known: Known): () => void {
  let cancel = (): void => {};
  const next = (): void => {
    try {
      synchronize(source, target, known);
    } catch (error) {
      log.warn('a watched volume is not up to date', { source, error });
    }
    cancel = after(POLL_MS, next);
  };
  cancel = after(POLL_MS, next);
  return () => cancel();
}

/**
 * A small volume that changes on the host (a ConfigMap, a Secret) where changes are not announced in the guest: kept
 * as a copy in memory, so that programs which watch files see them change. One that is too large is bound as it is.
 */
export const watchableBind: StorageDriver = {
  name: 'watchable-bind',
  async attach(storage: Storage): Promise<AttachedStorage> {
    const { source, mountPoint } = storage;
    const known: Known = new Map();
    if (!isType(lstat(source), S.IFDIR) || !fits(source)) return mountStorage({ ...storage, fstype: 'bind' });
    const attached = mountStorage({ ...storage, source: 'tmpfs', fstype: 'tmpfs' }, { options: ['mode=0755'] });
    try {
      synchronize(source, mountPoint, known);
    } catch (error) {
      attached.detach();
      throw error;
    }
    const stop = watch(source, mountPoint, known);
    return {
      detach() {
        stop();
        return attached.detach();
      },
    };
  },
};

function fits(source: string): boolean {
  try {
    scan(source);
    return true;
  } catch (error) {
    log.warn('changes of a volume will not be announced', { source, error });
    return false;
  }
}
