import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { check } from '../../os/errno.ts';
import { NR } from '../../syscall/numbers.ts';

const CLOCK_REALTIME = 0;

/** Sets the wall clock, in seconds since 1970 and the microseconds of the second. */
export function setWallClock(seconds: bigint, microseconds: bigint): void {
  if (microseconds < 0n || microseconds >= 1_000_000n)
    throw new KataError('invalid-argument', `0 to 999999 microseconds are expected, found ${microseconds}`);
  const time = new BigInt64Array([seconds, microseconds * 1000n]);
  check(syscall(NR.clock_settime, CLOCK_REALTIME, time), 'set the clock');
}
