/** `usage_usec 12` lines: `cpu.stat`, `memory.stat`, `memory.events`, `cgroup.events`. */
export function parseFlatKeyed(text: string): Map<string, bigint> {
  const values = new Map<string, bigint>();
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ');
    if (space > 0) values.set(line.slice(0, space), BigInt(line.slice(space + 1)));
  }
  return values;
}

/** `8:0 rbytes=1 wbytes=2` lines: `io.stat`. */
export function parseNestedKeyed(text: string): { name: string; values: Map<string, bigint> }[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [name = '', ...pairs] = line.split(' ');
      const values = new Map<string, bigint>();
      for (const pair of pairs) {
        const [key, value] = pair.split('=');
        if (key && value !== undefined && /^\d+$/.test(value)) values.set(key, BigInt(value));
      }
      return { name, values };
    });
}

/** The number that a reader of a u64 takes for "no limit". */
export const UNLIMITED = 2n ** 64n - 1n;

/** A file of one number, where `max` is no limit. */
export function parseLimit(text: string): bigint {
  const value = text.trim();
  return value === 'max' ? UNLIMITED : BigInt(value || 0);
}
