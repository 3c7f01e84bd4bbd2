import { syscall } from 'sys';
import { NR } from '../syscall/numbers.ts';
import { check } from './errno.ts';

/** Bytes from the kernel's random pool (getrandom(2)). */
export function randomBytes(count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  for (let offset = 0; offset < count; )
    offset += check(syscall(NR.getrandom, bytes.subarray(offset), count - offset, 0), 'read random bytes');
  return bytes;
}

/** `byteCount` random bytes as lower-case hexadecimal. */
export function randomHex(byteCount: number): string {
  return Array.from(randomBytes(byteCount), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
