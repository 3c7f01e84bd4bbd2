/**
 * `cpu.weight` (1 to 10000, 100 by default) for CPU shares (2 to 262144, 1024 by default). The curve of runc 1.4 and
 * crun 1.23: it maps default to default, which the straight line before it did not (1024 became 39).
 */
export function cpuWeight(shares: number): number {
  if (shares <= 2) return 1;
  if (shares >= 262144) return 10000;
  const l = Math.log2(shares);
  return Math.ceil(10 ** ((l * l + 125 * l) / 612 - 7 / 34));
}

/** `io.weight` (1 to 10000) for a weight of the runtime-spec (10 to 1000): a straight line, as runc and crun have it. */
export function ioWeight(weight: number): number {
  return Math.min(10000, Math.max(1, Math.trunc(1 + ((weight - 10) * 9999) / 990)));
}
