import { syscall } from 'sys';
import { NR } from '../syscall/numbers.ts';
import { check } from './errno.ts';
import { utf8Decode } from './utf8.ts';

/** The current folder (getcwd(2)). */
export function getcwd(): string {
  const path = new Uint8Array(4096);
  const length = check(syscall(NR.getcwd, path, path.length), 'read the current folder');
  return utf8Decode(path.subarray(0, length - 1));
}
