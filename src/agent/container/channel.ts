import { syscall } from 'sys';
import { type ErrorCode, KataError } from '../../errors/kata-error.ts';
import { check, ERRNO, isErrno } from '../../os/errno.ts';
import { close, O, read, setNonBlocking } from '../../os/fd.ts';
import { receiveNow, sendWithFds } from '../../os/fd-passing.ts';
import { utf8Decode, utf8Encode } from '../../os/utf8.ts';
import { NR } from '../../syscall/numbers.ts';

const AF_UNIX = 1;
/** Keeps messages apart. */
const SOCK_SEQPACKET = 5;
const MESSAGE_MAX = 16384;
/** The most that is handed over to a child: a message of a socket has limits. */
export const HANDED_MAX = 65536;
/** The channel's descriptor in a child, above its input and output. */
export const CHANNEL_FD = 3;

const EXECUTING = new Uint8Array([1]);

/** What a child says on its way to exec. `prepared`: it waits to be told whose it is. `furnished`: the root stands, but is not yet entered; it waits for hooks. After `executing` it is gone: the next thing is the end, or an error. */
export type ChildMessage =
  | { kind: 'prepared' }
  | { kind: 'furnished' }
  | { kind: 'ready'; terminalFd: number; warnings: string[] }
  | { kind: 'executing' }
  | { kind: 'error'; code: ErrorCode; message: string; hint: string | undefined; errno: string | undefined };

/** The child's end of the talk between a child and the agent. Every call blocks. */
export class ChildEnd {
  #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  send(message: ChildMessage): void {
    const bytes = utf8Encode(JSON.stringify(message));
    syscall(NR.write, this.#fd, bytes, bytes.length);
  }

  /** One byte, said at the last moment: whoever waits is woken once for it and for the end that follows. */
  sendExecuting(): void {
    syscall(NR.write, this.#fd, EXECUTING, 1);
  }

  sendError(thrown: unknown): void {
    const { code, message, hint, errno } = KataError.from(thrown);
    this.send({ kind: 'error', code, message: message.slice(0, 4000), hint, errno });
  }

  /** Waits until the agent says go; false when it hung up instead. */
  waitForGo(): boolean {
    const byte = new Uint8Array(1);
    for (;;) {
      const count = syscall(NR.read, this.#fd, byte, 1);
      if (count !== -ERRNO.EINTR) return count === 1;
    }
  }

  /** Waits for what the agent hands over; null when it hung up instead. */
  receive(): { text: string; fds: number[] } | null {
    const received = receiveNow(this.#fd, HANDED_MAX);
    if (received === null || received === 'later') return null;
    return { text: utf8Decode(received.data), fds: received.fds };
  }

  /** Makes it descriptor `fd`, still close-on-exec. */
  moveTo(fd: number): void {
    if (fd === this.#fd) return;
    check(syscall(NR.dup3, this.#fd, fd, O.CLOEXEC), 'move the channel');
    this.#fd = fd;
  }
}

/** The agent's end. */
export class ParentEnd {
  #fd: number;
  #childFd: number;
  readonly #buffer = new Uint8Array(MESSAGE_MAX);

  constructor(fd: number, childFd: number) {
    this.#fd = fd;
    this.#childFd = childFd;
  }

  /** To be called in the child, once it has left the agent's loop: it must not hold our end, or it never sees its end. */
  childEnd(): ChildEnd {
    close(this.#fd);
    return new ChildEnd(this.#childFd);
  }

  /** To be called in the agent once the child exists, or the end of the child would never be seen. */
  closeChildEnd(): void {
    close(this.#childFd);
    this.#childFd = -1;
  }

  /** The next message; null when the child executes its program or ended. */
  async next(): Promise<ChildMessage | null> {
    const count = await read(this.#fd, this.#buffer).catch((error: unknown) => {
      // It ended with something unread.
      if (isErrno(error, 'ECONNRESET')) return 0;
      throw error;
    });
    if (count === 0) return null;
    if (count === 1) return { kind: 'executing' };
    return JSON.parse(utf8Decode(this.#buffer.subarray(0, count))) as ChildMessage;
  }

  go(): void {
    // MSG_NOSIGNAL: a child that was killed meanwhile is seen by the read that follows.
    const MSG_NOSIGNAL = 0x4000;
    syscall(NR.sendto, this.#fd, new Uint8Array([1]), 1, MSG_NOSIGNAL, null, 0);
  }

  /** Hands something over to a child that waits for it; the descriptors stay open here. */
  async hand(bytes: Uint8Array, fds: readonly number[]): Promise<void> {
    await sendWithFds(this.#fd, bytes, fds);
  }

  /** Idempotent. */
  close(): void {
    this.closeChildEnd();
    close(this.#fd);
    this.#fd = -1;
  }
}

export function openChannel(): ParentEnd {
  const fds = new Int32Array(2);
  check(syscall(NR.socketpair, AF_UNIX, SOCK_SEQPACKET | O.CLOEXEC, 0, fds), 'create a socket pair');
  setNonBlocking(fds[0]!);
  return new ParentEnd(fds[0]!, fds[1]!);
}

/** The error that a child told. */
export function errorOf(message: ChildMessage & { kind: 'error' }): KataError {
  return new KataError(message.code, message.message, { hint: message.hint, errno: message.errno });
}
