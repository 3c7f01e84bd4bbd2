import { isErrno } from '../os/errno.ts';
import { close } from '../os/fd.ts';
import { lockFile } from '../os/file.ts';
import { CONTAINERS, containerDirectory } from './container-store.ts';

const path = (id: string): string => `${containerDirectory(id)}/lock`;

/**
 * Whoever watches over a container holds its lock: the `run` that it is attached to, or the process that a detached one
 * left behind. The kernel lets it go with the process, however that ends. Null when another has it, or had it until it
 * removed the container.
 */
export function tryLockContainer(id: string): number | null {
  try {
    return lockFile(path(id), 'exclusive', false);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null;
    throw error;
  }
}

/** Whether somebody watches over the container. */
export function isWatched(id: string): boolean {
  const lock = tryLockContainer(id);
  close(lock ?? -1);
  return lock === null;
}

/** Runs `work` while nobody else adds a container. */
export function withStoreLock<T>(work: () => T): T {
  const lock = lockFile(`${CONTAINERS}/.lock`, 'exclusive');
  try {
    return work();
  } finally {
    close(lock ?? -1);
  }
}
