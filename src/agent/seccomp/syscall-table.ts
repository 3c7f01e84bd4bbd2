/** System calls by name. */
export type SyscallTable = ReadonlyMap<string, number>;

const DIGIT_0 = 48;
const DIGIT_9 = 57;

/** Reads a table of names: a number sets the number of the next name, each further name is one more. */
export function parseSyscallTable(text: string, bit = 0): SyscallTable {
  const table = new Map<string, number>();
  let next = bit;
  for (const line of text.split('\n'))
    for (const word of line.trimStart().split(' ')) {
      // A regular expression for each of 1200 words would cost a guest under emulation 20 ms.
      const first = word.charCodeAt(0);
      if (first >= DIGIT_0 && first <= DIGIT_9) next = Number(word) + bit;
      else if (word !== '') table.set(word, next++);
    }
  return table;
}
