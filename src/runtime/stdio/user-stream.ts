import { close, duplicate, O, open, setNonBlocking } from '../../os/fd.ts';
import { fstat, S } from '../../os/stat.ts';

/**
 * One of our own standard streams, non-blocking, and closed by the caller. Pipes and terminals are opened once more:
 * the flag belongs to an open file that is shared with whoever started us, a shell's terminal first of all.
 */
export function openUserStream(fd: 0 | 1 | 2): number {
  const type = fstat(fd).mode & S.IFMT;
  if (type === S.IFIFO || type === S.IFCHR) {
    try {
      return open(`/proc/self/fd/${fd}`, (fd === 0 ? O.RDONLY : O.WRONLY) | O.NONBLOCK | O.NOCTTY);
    } catch {
      // A terminal of another devpts, a pipe of another user: shared then.
      return sharedNonBlocking(fd);
    }
  }
  // A regular file never blocks; opened again it would begin at another offset.
  return type === S.IFSOCK ? sharedNonBlocking(fd) : duplicate(fd);
}

function sharedNonBlocking(fd: number): number {
  const copy = duplicate(fd);
  try {
    setNonBlocking(copy);
    return copy;
  } catch (error) {
    close(copy);
    throw error;
  }
}
