import { KataError } from '../../errors/kata-error.ts';

/** How many pages of which size the options of a hugetlbfs ask for. */
export interface HugePages {
  pageSizeBytes: number;
  count: number;
}

/** Reads `pagesize=2097152` and `size=524288000`, both in bytes, from options that may be joined by commas. */
export function parseHugePages(options: readonly string[]): HugePages {
  const values = new Map(
    options.flatMap((option) => option.split(',')).map((option) => option.trim().split('=') as [string, string]),
  );
  const pageSizeBytes = Number(values.get('pagesize'));
  const sizeBytes = Number(values.get('size'));
  if (!(pageSizeBytes > 0 && sizeBytes > 0))
    throw new KataError(
      'invalid-argument',
      `a hugetlbfs is expected to have pagesize and size in bytes, found ${options.join(',')}`,
    );
  return { pageSizeBytes, count: Math.floor(sizeBytes / pageSizeBytes) };
}
