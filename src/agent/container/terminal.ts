import { KataError } from '../../errors/kata-error.ts';
import { close, O } from '../../os/fd.ts';
import { moveMount, openTree } from '../../os/mount.ts';
import { type Pty, ptyOf } from '../../os/pty.ts';
import { openInRoot } from '../../os/resolve.ts';
import { fstat } from '../../os/stat.ts';
import { setControllingTerminal, setWindowSize, type WindowSize } from '../../os/tty.ts';
import { fileTarget } from './target.ts';

const MULTIPLEXER = '/dev/pts/ptmx';
const PTMX_MAJOR = 5;
const PTMX_MINOR = 2;

/** A new terminal of the devpts inside a root, and of nothing that an image or a container put in its place. */
export function openPtyInRoot(rootFd: number): Pty {
  const pathFd = openInRoot(rootFd, MULTIPLEXER, O.PATH);
  try {
    const { rdevMajor, rdevMinor } = fstat(pathFd);
    if (rdevMajor !== PTMX_MAJOR || rdevMinor !== PTMX_MINOR)
      throw new KataError('failed-precondition', `a devpts is expected at /dev/pts of the container, it is not there`, {
        hint: 'mount one there to give its processes terminals',
      });
  } finally {
    close(pathFd);
  }
  return ptyOf(openInRoot(rootFd, MULTIPLEXER, O.RDWR | O.NOCTTY | O.NONBLOCK));
}

/** In the child: a terminal of the container, shown as its `/dev/console`. */
export function openTerminal(rootFd: number): Pty {
  const pty = openPtyInRoot(rootFd);
  const target = fileTarget(rootFd, '/dev/console');
  const tree = openTree(pty.terminalFd);
  moveMount(tree, target);
  close(tree);
  close(target);
  return pty;
}

/** In the child: makes descriptor 0 the controlling terminal, in the size that is asked for. */
export function takeTerminal(size: WindowSize | undefined): void {
  setControllingTerminal(0);
  if (size !== undefined) setWindowSize(0, size);
}
