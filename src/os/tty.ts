import { syscall } from 'sys';
import { NR } from '../syscall/numbers.ts';
import { check } from './errno.ts';

const TCGETS = 0x5401;
const TCSETS = 0x5402;
const TIOCSCTTY = 0x540e;
const TIOCGWINSZ = 0x5413;
const TIOCSWINSZ = 0x5414;

/** struct termios of the kernel: four words of flags, the line discipline, 19 control characters. */
const TERMIOS_SIZE = 36;
const CONTROL_CHARACTERS = 17;
const VTIME = 5;
const VMIN = 6;
/** IGNBRK, BRKINT, PARMRK, ISTRIP, INLCR, IGNCR, ICRNL, IXON. */
const INPUT_PROCESSING = 0o1 | 0o2 | 0o10 | 0o40 | 0o100 | 0o200 | 0o400 | 0o2000;
const OPOST = 0o1;
/** CSIZE, PARENB. */
const CHARACTER_SIZE = 0o60 | 0o400;
const CS8 = 0o60;
/** ISIG, ICANON, ECHO, ECHONL, IEXTEN. */
const LINE_EDITING = 0o1 | 0o2 | 0o10 | 0o100 | 0o100000;

/** A terminal's size in characters. */
export interface WindowSize {
  columns: number;
  rows: number;
}

/** The settings of a terminal, as the kernel keeps them: to be put back with `setTermios`. */
export type Termios = Uint8Array;

/** Whether `fd` is a terminal. */
export function isTty(fd: number): boolean {
  return syscall(NR.ioctl, fd, TCGETS, new Uint8Array(TERMIOS_SIZE)) === 0;
}

/** The size of a terminal; 0 by 0 when nobody has set one (TIOCGWINSZ(2const)). */
export function getWindowSize(fd: number): WindowSize {
  const size = new Uint16Array(4);
  check(syscall(NR.ioctl, fd, TIOCGWINSZ, size), `read the window size of descriptor ${fd}`);
  return { columns: size[1]!, rows: size[0]! };
}

/** Sets the size of a terminal; its foreground processes get SIGWINCH when it changed. */
export function setWindowSize(fd: number, { columns, rows }: WindowSize): void {
  const size = new Uint16Array([rows, columns, 0, 0]);
  check(syscall(NR.ioctl, fd, TIOCSWINSZ, size), `set the window size of descriptor ${fd}`);
}

export function getTermios(fd: number): Termios {
  const termios = new Uint8Array(TERMIOS_SIZE);
  check(syscall(NR.ioctl, fd, TCGETS, termios), `read the terminal settings of descriptor ${fd}`);
  return termios;
}

export function setTermios(fd: number, termios: Termios): void {
  check(syscall(NR.ioctl, fd, TCSETS, termios), `set the terminal of descriptor ${fd}`);
}

/** Settings with nothing done to the bytes in either direction (cfmakeraw(3)). */
export function rawTermios(termios: Termios): Termios {
  const raw = termios.slice();
  const flags = new Uint32Array(raw.buffer, 0, 4);
  flags[0]! &= ~INPUT_PROCESSING;
  flags[1]! &= ~OPOST;
  flags[2] = (flags[2]! & ~CHARACTER_SIZE) | CS8;
  flags[3]! &= ~LINE_EDITING;
  raw[CONTROL_CHARACTERS + VMIN] = 1;
  raw[CONTROL_CHARACTERS + VTIME] = 0;
  return raw;
}

/** Makes a terminal raw: every key goes through as it is. The result puts it back, idempotent. */
export function makeRaw(fd: number): () => void {
  const before = getTermios(fd);
  setTermios(fd, rawTermios(before));
  return () => setTermios(fd, before);
}

/** Makes `fd` the controlling terminal of this process, which leads a session without one (setsid(2)). */
export function setControllingTerminal(fd: number): void {
  check(syscall(NR.ioctl, fd, TIOCSCTTY, 0), `make descriptor ${fd} the controlling terminal`);
}
