import { syscall } from 'sys';
import { check } from '../../os/errno.ts';
import { NR } from '../../syscall/numbers.ts';

/** Swaps to a block device or a file, which holds a swap area. */
export function addSwap(path: string): void {
  check(syscall(NR.swapon, path, 0), `swap to ${path}`, 'it must hold what mkswap(8) makes');
}
