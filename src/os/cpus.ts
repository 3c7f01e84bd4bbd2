import { syscall } from 'sys';
import { NR } from '../syscall/numbers.ts';
import { check } from './errno.ts';

/** How many processors this process may run on (sched_getaffinity(2)). */
export function availableCpus(): number {
  const mask = new Uint8Array(1024);
  const length = check(syscall(NR.sched_getaffinity, 0, mask.length, mask), 'read the processors of this process');
  let count = 0;
  for (const byte of mask.subarray(0, length)) for (let bits = byte; bits > 0; bits >>= 1) count += bits & 1;
  return count;
}
