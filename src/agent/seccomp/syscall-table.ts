/** System calls by name. */
export type SyscallTable = ReadonlyMap<string, number>;

/** Reads a table of names: a number sets the number of the next name, each further name is one more. */
export function parseSyscallTable(text: string, bit = 0): SyscallTable {
  const table = new Map<string, number>();
  let next = 0;
  for (const word of text.trim().split(/\s+/))
    if (/^\d+$/.test(word)) next = Number(word);
    else table.set(word, next++ + bit);
  return table;
}
