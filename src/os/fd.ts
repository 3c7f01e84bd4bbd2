import { syscall } from 'sys';
import { NR } from '../syscall/numbers.ts';
import { check, ERRNO } from './errno.ts';
import { forget, readable, writable } from './loop.ts';

/** open(2) flags of x86-64 Linux (`asm-generic/fcntl.h`). */
export const O = {
  RDONLY: 0,
  WRONLY: 1,
  RDWR: 2,
  CREAT: 0o100,
  EXCL: 0o200,
  NOCTTY: 0o400,
  TRUNC: 0o1000,
  APPEND: 0o2000,
  NONBLOCK: 0o4000,
  DIRECTORY: 0o200000,
  NOFOLLOW: 0o400000,
  CLOEXEC: 0o2000000,
  PATH: 0o10000000,
  TMPFILE: 0o20200000,
} as const;

export const AT_FDCWD = -100;

const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const F_SETPIPE_SZ = 1031;
const FD_CLOEXEC = 1;

/** Opens `path`; close-on-exec is always set. The caller owns the descriptor. */
export function open(path: string, flags: number, mode = 0o600): number {
  return check(syscall(NR.openat, AT_FDCWD, path, flags | O.CLOEXEC, mode), `open ${path}`);
}

/** Closes a descriptor and whatever waits for it. Closing -1 does nothing. */
export function close(fd: number): void {
  if (fd < 0) return;
  forget(fd);
  syscall(NR.close, fd);
}

/** One read(2) that may block: for regular files. 0 at the end. */
export function readSync(fd: number, into: Uint8Array): number {
  for (;;) {
    const count = syscall(NR.read, fd, into, into.length);
    if (count !== -ERRNO.EINTR) return check(count, `read descriptor ${fd}`);
  }
}

/** Writes every byte, blocking where it must: for regular files and for tiny writes to pipes. */
export function writeSync(fd: number, bytes: Uint8Array): void {
  for (let offset = 0; offset < bytes.length; ) {
    const rest = bytes.subarray(offset);
    const count = syscall(NR.write, fd, rest, rest.length);
    if (count !== -ERRNO.EINTR) offset += check(count, `write descriptor ${fd}`);
  }
}

/** The next bytes of a non-blocking descriptor into `into`; 0 at the end. */
export async function read(fd: number, into: Uint8Array): Promise<number> {
  for (;;) {
    const count = syscall(NR.read, fd, into, into.length);
    if (count === -ERRNO.EAGAIN) await readable(fd);
    else if (count !== -ERRNO.EINTR) return check(count, `read descriptor ${fd}`);
  }
}

/** The bytes that are there now, without waiting: their count, 0 at the end, null when there are none yet. */
export function tryRead(fd: number, into: Uint8Array): number | null {
  for (;;) {
    const count = syscall(NR.read, fd, into, into.length);
    if (count === -ERRNO.EAGAIN) return null;
    if (count !== -ERRNO.EINTR) return check(count, `read descriptor ${fd}`);
  }
}

/** Every byte to a non-blocking descriptor, waiting while the reader is slow. */
export async function write(fd: number, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.length; ) {
    const rest = bytes.subarray(offset);
    const count = syscall(NR.write, fd, rest, rest.length);
    if (count === -ERRNO.EAGAIN) await writable(fd);
    else if (count !== -ERRNO.EINTR) offset += check(count, `write descriptor ${fd}`);
  }
}

/** A pipe, both ends close-on-exec: `[read, write]`. `flags` may add `O.NONBLOCK` to both. */
export function pipe(flags = 0): [number, number] {
  const fds = new Int32Array(2);
  check(syscall(NR.pipe2, fds, flags | O.CLOEXEC), 'create a pipe');
  return [fds[0]!, fds[1]!];
}

/** A copy of `fd` at the lowest free number, close-on-exec. */
export function duplicate(fd: number): number {
  const F_DUPFD_CLOEXEC = 1030;
  return check(syscall(NR.fcntl, fd, F_DUPFD_CLOEXEC, 0), `duplicate descriptor ${fd}`);
}

/** Makes `target` a copy of `fd`, open across exec. When both are the same, only close-on-exec goes. */
export function moveTo(fd: number, target: number): void {
  if (fd === target) setCloseOnExec(fd, false);
  else check(syscall(NR.dup3, fd, target, 0), `move descriptor ${fd} to ${target}`);
}

export function setCloseOnExec(fd: number, on: boolean): void {
  check(syscall(NR.fcntl, fd, F_SETFD, on ? FD_CLOEXEC : 0), `set close-on-exec of descriptor ${fd}`);
}

export function setNonBlocking(fd: number, on = true): void {
  const flags = check(syscall(NR.fcntl, fd, F_GETFL, 0), `read the flags of descriptor ${fd}`);
  check(
    syscall(NR.fcntl, fd, F_SETFL, on ? flags | O.NONBLOCK : flags & ~O.NONBLOCK),
    `set the flags of descriptor ${fd}`,
  );
}

/** Asks for a pipe of `bytes`; the kernel may refuse (`/proc/sys/fs/pipe-max-size`), then it stays as it was. */
export function setPipeSize(fd: number, bytes: number): void {
  syscall(NR.fcntl, fd, F_SETPIPE_SZ, bytes);
}

const FIONREAD = 0x541b;
const waiting = new Int32Array(1);

/** How many bytes could be read from a descriptor at once; 0 where the kernel cannot tell. */
export function waitingBytes(fd: number): number {
  return syscall(NR.ioctl, fd, FIONREAD, waiting) < 0 ? 0 : waiting[0]!;
}
