import { syscall } from 'sys';
import { check, ERRNO } from '../../os/errno.ts';
import { AT_FDCWD, close, O } from '../../os/fd.ts';
import { NR } from '../../syscall/numbers.ts';

/**
 * The node of a block device that can be used; null while it is not there, or there and not to be opened yet: the
 * kernel shows a disk a moment before it is alive, and tells of it by a uevent when it is.
 */
export function usableNode(path: string): string | null {
  const fd = syscall(NR.openat, AT_FDCWD, path, O.RDONLY | O.NONBLOCK | O.CLOEXEC, 0);
  if (fd === -ERRNO.ENOENT || fd === -ERRNO.ENXIO) return null;
  check(fd, `open ${path}`);
  close(fd);
  return path;
}
