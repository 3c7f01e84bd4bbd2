import { KataError } from '../../errors/kata-error.ts';

/** `--cpus`: how many processors' time, `1.5`, `.5`. At least a hundredth. */
export function parseCpus(text: string): number {
  const cpus = /^(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  if (cpus >= 0.01) return cpus;
  throw new KataError(
    'invalid-argument',
    `a number of processors of at least 0.01 is expected, found ${JSON.stringify(text)}`,
    { hint: 'write it like 1.5' },
  );
}
