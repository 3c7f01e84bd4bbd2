import { KataError } from '../../errors/kata-error.ts';

/** The kernel's own limit is below this. */
const MAX_NUMBER = 65535;

/** The numbers of a list as the kernel writes it (cpuset(7), List format): `0-2,5`. `invalid-argument` for something else. */
export function parseCpuList(text: string): Set<number> {
  const numbers = new Set<number>();
  for (const part of text.split(',').map((each) => each.trim())) {
    if (part === '') continue;
    const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    const [first, last] = [Number(from), Number(to ?? from)];
    if (from === undefined || last < first || last > MAX_NUMBER)
      throw new KataError('invalid-argument', `a list like 0-2,5 is expected, found ${JSON.stringify(text)}`);
    for (let each = first; each <= last; each++) numbers.add(each);
  }
  return numbers;
}

/** The same in its shortest form. */
export function formatCpuList(numbers: Iterable<number>): string {
  const sorted = [...numbers].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let start = 0; start < sorted.length; ) {
    let end = start;
    while (sorted[end + 1] === sorted[end]! + 1) end++;
    parts.push(start === end ? `${sorted[start]}` : `${sorted[start]}-${sorted[end]}`);
    start = end + 1;
  }
  return parts.join(',');
}

/** All numbers that are in any of the lists. */
export function uniteCpuLists(lists: Iterable<string>): string {
  const all = new Set<number>();
  for (const list of lists) for (const number of parseCpuList(list)) all.add(number);
  return formatCpuList(all);
}
