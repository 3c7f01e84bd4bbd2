const STEPS = [
  ['second', 1],
  ['minute', 60],
  ['hour', 3600],
  ['day', 86_400],
  ['week', 604_800],
] as const;

/** A span of time as a person says it: `3 minutes`. */
export function formatDuration(durationMs: number): string {
  const seconds = Math.floor(durationMs / 1000);
  if (seconds < 1) return 'less than a second';
  const [unit, size] = STEPS.findLast(([name, length]) => seconds >= length * (name === 'second' ? 1 : 2)) ?? STEPS[0];
  const count = Math.floor(seconds / size);
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
