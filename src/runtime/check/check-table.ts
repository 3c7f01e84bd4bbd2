import type { Need, NeedState } from '../../sandbox/host-check/need.ts';

/** What a person reads in the second column. */
const WORDS: Readonly<Record<NeedState, string>> = {
  there: 'ok',
  instead: 'instead',
  missing: 'MISSING',
  unused: '-',
};

/** The table of `check`: a line for each need, and below it what stands in for it and how to get it. */
export function formatNeeds(needs: readonly Need[]): string {
  const width = (values: string[]): number => Math.max(...values.map((value) => value.length));
  const first = width(['NEED', ...needs.map(({ name }) => name)]) + 3;
  const second = width(['STATE', ...Object.values(WORDS)]) + 3;
  const line = (name: string, state: string, text: string): string =>
    `${name.padEnd(first)}${state.padEnd(second)}${text}`.trimEnd();
  const lines = [line('NEED', 'STATE', 'FOUND')];
  for (const { name, state, found, instead, get } of needs) {
    lines.push(line(name, WORDS[state], found));
    if (instead !== undefined) lines.push(line('', '', `instead: ${instead}`));
    if (get !== undefined) lines.push(line('', '', `to get it: ${get}`));
  }
  return lines.map((each) => `${each}\n`).join('');
}

/** The last line: whether containers can run here. */
export function formatVerdict(needs: readonly Need[], strict: boolean): string {
  const missing = needs.filter(({ state }) => state === 'missing').map(({ name }) => name);
  if (missing.length > 0) return `containers cannot run on this host: ${missing.join(', ')} missing\n`;
  const instead = needs.filter(({ state }) => state === 'instead').map(({ name }) => name);
  if (instead.length === 0) return 'containers can run on this host\n';
  const list = `something stands in for ${instead.join(', ')}`;
  return strict
    ? `containers can run on this host, but --strict takes no second choice: ${list}\n`
    : `containers can run on this host; ${list}\n`;
}
