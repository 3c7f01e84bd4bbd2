import { syscall } from 'sys';
import { NR } from '../syscall/numbers.ts';
import { check } from './errno.ts';
import { close, O, open } from './fd.ts';

const TIOCGPTN = 0x80045430;
const TIOCSPTLCK = 0x40045431;
const TIOCGPTPEER = 0x5441;

/** A pseudo-terminal (pty(7)). Both descriptors are close-on-exec and the caller's. */
export interface Pty {
  /** Our end: what is written here is typed, what is read here was printed. */
  controllerFd: number;
  /** The program's end, a terminal. */
  terminalFd: number;
  /** The terminal is `pts/${number}` in its devpts. */
  number: number;
}

/** A new pseudo-terminal. `ptmx` is the multiplexer of the devpts that it shall belong to: `<devpts>/ptmx`. */
export function openPty(ptmx = '/dev/ptmx'): Pty {
  return ptyOf(open(ptmx, O.RDWR | O.NOCTTY));
}

/** The pseudo-terminal of a multiplexer that was just opened; the descriptor becomes the controller's, or is closed. */
export function ptyOf(controllerFd: number): Pty {
  try {
    const number = new Int32Array(1);
    check(syscall(NR.ioctl, controllerFd, TIOCGPTN, number), 'read the number of a pseudo-terminal');
    check(syscall(NR.ioctl, controllerFd, TIOCSPTLCK, new Int32Array([0])), 'unlock a pseudo-terminal');
    // Not by its path, which leads elsewhere in another mount namespace.
    const flags = O.RDWR | O.NOCTTY | O.CLOEXEC;
    const terminalFd = check(syscall(NR.ioctl, controllerFd, TIOCGPTPEER, flags), 'open a pseudo-terminal');
    return { controllerFd, terminalFd, number: number[0]! };
  } catch (error) {
    close(controllerFd);
    throw error;
  }
}
