import { KataError } from '../../errors/kata-error.ts';
import { isErrno } from '../../os/errno.ts';
import { close, O } from '../../os/fd.ts';
import { createFileInRoot, makeDirectoriesInRoot, openInRoot } from '../../os/resolve.ts';
import { fstat, isType, S } from '../../os/stat.ts';

/** What is at `path` inside the root, symlinks resolved inside it; null when there is nothing. */
export function openIfThere(rootFd: number, path: string, flags: number = O.PATH): number | null {
  try {
    return openInRoot(rootFd, path, flags);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  }
}

/** The folder to mount on, made with those on the way if it is missing. */
export function directoryTarget(rootFd: number, path: string): number {
  // Most are there: one system call instead of one or two for each name on the way.
  return openIfThere(rootFd, path) ?? makeDirectoriesInRoot(rootFd, path);
}

/** The file to mount on, made empty if it is missing. */
export function fileTarget(rootFd: number, path: string): number {
  return openIfThere(rootFd, path) ?? createFileInRoot(rootFd, path);
}

/**
 * The folder to mount proc or sysfs on. An image that has a symlink there is refused, as runc does: whoever reads
 * `/proc` must read the kernel's.
 */
export function ordinaryDirectoryTarget(rootFd: number, path: string, type: string): number {
  const fd = openIfThere(rootFd, path, O.PATH | O.NOFOLLOW) ?? makeDirectoriesInRoot(rootFd, path);
  if (isType(fstat(fd), S.IFDIR)) return fd;
  close(fd);
  throw new KataError('invalid-argument', `an ordinary folder is expected at ${path} to mount ${type} on`, {
    hint: 'the image has a symlink or a file there',
  });
}
