import { syscall } from 'sys';
import { check, ERRNO } from '../os/errno.ts';
import { AT_FDCWD, close, O, open } from '../os/fd.ts';
import { fstat } from '../os/stat.ts';
import { NR } from '../syscall/numbers.ts';

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;

export type LockKind = 'shared' | 'exclusive';

/** Locks an open file (flock(2)) without waiting; whether that worked and the file still has a name. */
function lock(fd: number, kind: LockKind, what: string): boolean {
  for (;;) {
    const result = syscall(NR.flock, fd, (kind === 'shared' ? LOCK_SH : LOCK_EX) | LOCK_NB);
    if (result === -ERRNO.EINTR) continue;
    if (result === -ERRNO.EAGAIN) return false;
    check(result, `lock ${what}`);
    // Whoever removes a file holds its lock: one that we got too late is removed by now.
    return fstat(fd).links > 0;
  }
}

/**
 * A lock on a file that exists, held until the result is closed or the process ends, however it ends. Null when the file
 * is not there, or somebody else holds a lock that does not go with this one.
 */
export function lockExisting(path: string, kind: LockKind): number | null {
  const fd = syscall(NR.openat, AT_FDCWD, path, O.RDONLY | O.CLOEXEC | O.NOFOLLOW, 0);
  if (fd === -ERRNO.ENOENT) return null;
  check(fd, `open ${path}`);
  return keep(fd, kind, path);
}

/** As `lockExisting`, of a file that is made if need be. */
export function lockOrMake(path: string, kind: LockKind): number | null {
  return keep(open(path, O.RDONLY | O.CREAT | O.NOFOLLOW, 0o600), kind, path);
}

/** A new file, locked from its first moment on for anybody who looks for a lock; null when the name is taken. */
export function makeLocked(path: string, kind: LockKind): number | null {
  const fd = syscall(NR.openat, AT_FDCWD, path, O.RDWR | O.CREAT | O.EXCL | O.CLOEXEC, 0o600);
  if (fd === -ERRNO.EEXIST) return null;
  check(fd, `make ${path}`);
  return keep(fd, kind, path);
}

function keep(fd: number, kind: LockKind, path: string): number | null {
  try {
    if (lock(fd, kind, path)) return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
  close(fd);
  return null;
}
