import { KataError } from '../../errors/kata-error.ts';
import { readText, writeControl } from '../../os/file.ts';
import type { HugePages } from './huge-page-options.ts';

/** Has the kernel set pages aside; that it cannot find as many is an error. */
export function reserveHugePages({ pageSizeBytes, count }: HugePages): void {
  const path = `/sys/kernel/mm/hugepages/hugepages-${pageSizeBytes / 1024}kB/nr_hugepages`;
  writeControl(path, String(count));
  const found = Number(readText(path));
  if (found >= count) return;
  throw new KataError(
    'resource-exhausted',
    `${count} pages of ${pageSizeBytes} bytes are expected, the kernel found ${found}`,
    {
      hint: 'give the VM more memory',
    },
  );
}
