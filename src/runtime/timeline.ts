/** Marks of the start in the order in which they are shown, with the words for them. */
const TITLES: Readonly<Record<string, string>> = {
  'shim-started': 'shim started',
  'vm-spawned': 'spawned',
  'root-image-ready': 'root image ready',
  'guest-up': 'guest up',
  'agent-up': 'agent up',
  'root-attached': 'root attached',
  'vm-grown': 'VM grown',
  'container-created': 'container created',
  'process-started': 'process started',
  'process-exited': 'exited',
};

/**
 * A start's timeline for a person: each moment in milliseconds since `sinceMs`, by the monotonic clock, in the order in
 * which they came.
 */
export function formatTimeline(marks: Readonly<Record<string, number>>, sinceMs: number): string {
  const rows = Object.entries(marks)
    .filter(([name]) => Object.hasOwn(TITLES, name))
    .sort(([, one], [, other]) => one - other)
    .map(([name, atMs]) => [TITLES[name]!, `${Math.round(atMs - sinceMs)} ms`] as const);
  const titleWidth = Math.max(0, ...rows.map(([title]) => title.length));
  const timeWidth = Math.max(0, ...rows.map(([, time]) => time.length));
  return rows.map(([title, time]) => `${title.padEnd(titleWidth)}  ${time.padStart(timeWidth)}\n`).join('');
}
