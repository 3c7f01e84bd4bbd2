import { syscall } from 'sys';
import { NR } from '../syscall/numbers.ts';
import { check } from './errno.ts';
import { utf8Decode } from './utf8.ts';

export interface SystemName {
  /** The kernel's version, `6.1.0-18-amd64`. */
  release: string;
  /** The processor's architecture, `x86_64`. */
  machine: string;
}

/** Bytes of each of uname(2)'s six fields: sysname, nodename, release, version, machine, domainname. */
const FIELD_BYTES = 65;

/** What this system calls itself (uname(2)). */
export function uname(): SystemName {
  const fields = new Uint8Array(6 * FIELD_BYTES);
  check(syscall(NR.uname, fields), 'ask for the name of the system');
  const field = (index: number): string => {
    const bytes = fields.subarray(index * FIELD_BYTES, (index + 1) * FIELD_BYTES);
    return utf8Decode(bytes.subarray(0, bytes.indexOf(0)));
  };
  return { release: field(2), machine: field(4) };
}
