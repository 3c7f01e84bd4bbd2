import { readText } from './file.ts';

/** How much memory this host has, in MiB, rounded down (`MemTotal` of proc_meminfo(5)). */
export function hostMemoryMib(): number {
  return Math.floor(Number(/^MemTotal:\s+(\d+) kB$/m.exec(readText('/proc/meminfo'))?.[1] ?? 0) / 1024);
}
