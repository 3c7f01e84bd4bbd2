import * as quickjs from 'os';
import { syscall } from 'sys';
import { KataError } from '../errors/kata-error.ts';
import { NR } from '../syscall/numbers.ts';

const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;
const CLOCK_BOOTTIME = 7;

/** Resolves after `delayMs`. */
export function sleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    quickjs.setTimeout(resolve, delayMs);
  });
}

/** Calls `callback` once after `delayMs`; the result cancels it, idempotent. */
export function after(delayMs: number, callback: () => void): () => void {
  const timer = quickjs.setTimeout(callback, delayMs);
  return () => quickjs.clearTimeout(timer);
}

/** The promise's outcome, or `deadline-exceeded` with this message after `timeoutMs`. The work itself goes on. */
export function withTimeout<T>(promise: Promise<T>, timeoutMs: number, message: string, hint?: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = after(timeoutMs, () => reject(new KataError('deadline-exceeded', message, { hint })));
    promise.then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error);
      },
    );
  });
}

function clock(id: number): bigint {
  const spec = new BigInt64Array(2);
  syscall(NR.clock_gettime, id, spec);
  return spec[0]! * 1_000_000_000n + spec[1]!;
}

/** Nanoseconds since 1970 by the wall clock. */
export const wallClockNs = (): bigint => clock(CLOCK_REALTIME);
/** Nanoseconds of a clock that never jumps, suspended time left out. */
export const monotonicNs = (): bigint => clock(CLOCK_MONOTONIC);
/** Milliseconds, with a fraction, of the clock that never jumps. */
export const monotonicMs = (): number => Number(clock(CLOCK_MONOTONIC)) / 1e6;
/** Nanoseconds since the machine booted. */
export const bootTimeNs = (): bigint => clock(CLOCK_BOOTTIME);
