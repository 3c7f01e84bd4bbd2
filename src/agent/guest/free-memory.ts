import { syscall } from 'sys';
import { check } from '../../os/errno.ts';
import { readText } from '../../os/file.ts';
import { NR } from '../../syscall/numbers.ts';

const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const MADV_NOHUGEPAGE = 15;
const MADV_POPULATE_WRITE = 23;
const PAGE_BYTES = 4096;
const KIB = 1024;

/**
 * Takes so much memory and gives it back: the kernel hands out zeros, and what is free is zeros then. It takes first what was
 * in use before. Half of what is free is left alone.
 */
export function clearFreeMemory(bytes: number): void {
  const freeKib = Number(/^MemFree: *(\d+)/m.exec(readText('/proc/meminfo'))?.[1] ?? 0);
  const size = Math.floor(Math.min(bytes, (freeKib * KIB) / 2) / PAGE_BYTES) * PAGE_BYTES;
  if (size <= 0) return;
  const start = check(syscall(NR.mmap, 0, size, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0), 'take memory');
  try {
    // Small pages: large ones would be taken where nothing was before.
    check(syscall(NR.madvise, start, size, MADV_NOHUGEPAGE), 'ask for small pages');
    check(syscall(NR.madvise, start, size, MADV_POPULATE_WRITE), 'take memory');
  } finally {
    check(syscall(NR.munmap, start, size), 'give memory back');
  }
}
