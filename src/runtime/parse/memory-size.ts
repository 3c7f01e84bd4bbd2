import { KataError } from '../../errors/kata-error.ts';

const UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };
/** Less than this no process starts in (docker's minimum as well). */
const MINIMUM_BYTES = 6 * 2 ** 20;

/** Bytes of `--memory`: a number with b, k, m or g behind it, `512m`, `1.5g`; powers of 1024. */
export function parseMemorySize(text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([bkmgt]?)(?:i?b)?$/i.exec(text);
  const bytes = match === null ? Number.NaN : Math.floor(Number(match[1]) * UNITS[match[2]!.toLowerCase()]!);
  if (!Number.isSafeInteger(bytes))
    throw new KataError('invalid-argument', `a size of memory is expected, found ${JSON.stringify(text)}`, {
      hint: 'write it like 512m or 1.5g',
    });
  if (bytes < MINIMUM_BYTES)
    throw new KataError('invalid-argument', `at least 6 MiB of memory are expected, found ${text}`, {
      hint: 'write it like 512m or 1.5g',
    });
  return bytes;
}
