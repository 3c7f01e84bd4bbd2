import { readText } from '../../os/file.ts';

/** The host's BogoMIPS: with a time stamp counter, two for each million of its ticks a second (`bogomips` of proc_cpuinfo(5)). */
export function hostBogoMips(): number {
  return Number(/^bogomips\s*: ([\d.]+)$/m.exec(readText('/proc/cpuinfo', 8192))?.[1] ?? 0);
}
