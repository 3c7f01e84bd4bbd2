import { syscall } from 'sys';
import { NR } from '../syscall/numbers.ts';
import { check, ERRNO } from './errno.ts';
import { close, O, read } from './fd.ts';

/** Signal numbers of Linux on x86-64 and arm64 (signal(7)) that the runtime itself uses. */
export const SIGNAL = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  KILL: 9,
  USR1: 10,
  PIPE: 13,
  TERM: 15,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  WINCH: 28,
} as const;

const SIG_BLOCK = 0;
const SIG_SETMASK = 2;
const SIGSET_SIZE = 8;
const SIG_DFL = 0n;
const SIG_IGN = 1n;

function maskOf(signals: readonly number[]): BigUint64Array {
  return new BigUint64Array([signals.reduce((mask, signal) => mask | (1n << BigInt(signal - 1)), 0n)]);
}

function setAction(signal: number, handler: bigint): void {
  // struct kernel_sigaction: handler, flags, restorer, mask. Without a handler of ours no restorer is called.
  check(
    syscall(NR.rt_sigaction, signal, new BigUint64Array([handler, 0n, 0n, 0n]), null, SIGSET_SIZE),
    `set what signal ${signal} does`,
  );
}

/** A write to a closed pipe answers EPIPE and kills nobody. */
export function ignoreSignal(signal: number): void {
  setAction(signal, SIG_IGN);
}

/** For a child before exec: no signal blocked, none ignored that exec would keep ignored. */
export function resetSignals(): void {
  setAction(SIGNAL.PIPE, SIG_DFL);
  check(syscall(NR.rt_sigprocmask, SIG_SETMASK, maskOf([]), null, SIGSET_SIZE), 'unblock the signals');
}

/** Sends a signal to a process (kill(2)); whether there was one. */
export function sendSignal(pid: number, signal: number): boolean {
  const result = syscall(NR.kill, pid, signal);
  if (result === -ERRNO.ESRCH) return false;
  check(result, `send signal ${signal} to process ${pid}`);
  return true;
}

/** Holds these signals back, to be read by `SignalReader`. */
export function blockSignals(signals: readonly number[]): void {
  check(syscall(NR.rt_sigprocmask, SIG_BLOCK, maskOf(signals), null, SIGSET_SIZE), 'block signals');
}

/** Signals as events (signalfd(2)): they are blocked and read one by one. */
export class SignalReader {
  readonly #fd: number;
  readonly #info = new Uint8Array(128);

  constructor(signals: readonly number[]) {
    blockSignals(signals);
    const flags = O.NONBLOCK | O.CLOEXEC;
    this.#fd = check(syscall(NR.signalfd4, -1, maskOf(signals), SIGSET_SIZE, flags), 'create a signal descriptor');
  }

  /** The number of the next signal. Throws `cancelled` once closed. */
  async next(): Promise<number> {
    await read(this.#fd, this.#info);
    return new DataView(this.#info.buffer).getUint32(0, true);
  }

  close(): void {
    close(this.#fd);
  }
}
