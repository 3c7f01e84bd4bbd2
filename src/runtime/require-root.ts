import { syscall } from 'sys';
import { KataError } from '../errors/kata-error.ts';
import { NR } from '../syscall/numbers.ts';

/** Containers, images and shims are root's. */
export function requireRoot(command: string): void {
  if (syscall(NR.geteuid) === 0) return;
  throw new KataError('permission-denied', `root is expected to run kata-runtime ${command}`, {
    hint: `sudo kata-runtime ${command}`,
  });
}
