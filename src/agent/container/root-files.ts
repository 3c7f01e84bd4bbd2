import { syscall } from 'sys';
import { check, ERRNO } from '../../os/errno.ts';
import { AT_FDCWD, close, O } from '../../os/fd.ts';
import { readToEnd } from '../../os/file.ts';
import { fstat, isType, S } from '../../os/stat.ts';
import { utf8Decode } from '../../os/utf8.ts';
import { NR } from '../../syscall/numbers.ts';

/** More than any list of users; a longer one is read up to here. */
const MAX_BYTES = 4 << 20;

/**
 * The text of a regular file of an image, in whose root this process already is; empty when there is none. A FIFO that
 * an image put there is not waited for, a device not opened: for some, that alone does something.
 */
export function readImageFile(path: string): string {
  const pathFd = openIfThere(path, O.PATH);
  if (pathFd === null) return '';
  const isFile = isType(fstat(pathFd), S.IFREG);
  close(pathFd);
  const fd = isFile ? openIfThere(path, O.RDONLY | O.NONBLOCK | O.NOCTTY) : null;
  if (fd === null) return '';
  try {
    return isType(fstat(fd), S.IFREG) ? utf8Decode(readToEnd(fd, MAX_BYTES)) : '';
  } finally {
    close(fd);
  }
}

function openIfThere(path: string, flags: number): number | null {
  const fd = syscall(NR.openat, AT_FDCWD, path, flags | O.CLOEXEC, 0);
  if (fd === -ERRNO.ENOENT || fd === -ERRNO.ENOTDIR || fd === -ERRNO.ELOOP || fd === -ERRNO.ENXIO) return null;
  return check(fd, `open ${path} of the image`);
}
