import { addressOf, syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { NR } from '../../syscall/numbers.ts';
import { check } from '../errno.ts';

const vector = (address: number | bigint, bytes: number): BigUint64Array =>
  new BigUint64Array([BigInt(address), BigInt(bytes)]);

/** Reads another process's memory; throws when not all of it is there. */
export function readMemory(pid: number, address: number, into: Uint8Array | BigUint64Array): void {
  const local = vector(addressOf(into), into.byteLength);
  const count = syscall(NR.process_vm_readv, pid, local, 1, vector(address, into.byteLength), 1, 0);
  if (check(count, `read ${into.byteLength} bytes at 0x${address.toString(16)} of process ${pid}`) !== into.byteLength)
    throw incomplete(pid, 'read');
}

export function writeMemory(pid: number, address: number, from: Uint8Array): void {
  const local = vector(addressOf(from), from.byteLength);
  const count = syscall(NR.process_vm_writev, pid, local, 1, vector(address, from.byteLength), 1, 0);
  if (check(count, `write ${from.byteLength} bytes at 0x${address.toString(16)} of process ${pid}`) !== from.byteLength)
    throw incomplete(pid, 'write');
}

const incomplete = (pid: number, what: string): KataError =>
  new KataError('internal', `all of what was asked for is expected to be there to ${what} in process ${pid}`);
