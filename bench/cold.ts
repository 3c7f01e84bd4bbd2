// node bench/run.mjs cold [--rounds N] [--dist FOLDER]… [--calm]: how long `kata-runtime run --rm busybox true` takes, from
// the shell's point of view, and when on its way what has happened.
import { kataRuntime, timed } from './lib/kata-runtime.ts';
import { benchOptions, inTurns } from './lib/options.ts';
import { median, summary } from './lib/statistics.ts';

const options = await benchOptions(10);
// What the first run of all makes once: the image of the root.
for (const dist of options.dists) kataRuntime(dist, 'run', '--rm', 'busybox', 'true');

const took = await inTurns(options, async (dist) => {
  const { stderr, tookMs } = kataRuntime(dist, 'run', '--rm', '--timeline', 'busybox', 'true');
  const marks = [...stderr.matchAll(/^(\S.*?) +(\d+) ms$/gm)].map(([, name = '', ms]) => [name, Number(ms)] as const);
  return { marks, tookMs, spawnMs: timed(['/bin/true']).tookMs };
});

for (const [dist, runs] of took) {
  console.log(`kata-runtime run --rm busybox true (${dist})`);
  for (const [index, [name]] of (runs[0]?.marks ?? []).entries()) {
    const series = runs.map(({ marks }) => marks[index]?.[1] ?? Number.NaN);
    console.log(`  ${name.padEnd(18)} ${summary(series, 'ms', 0)}`);
  }
  const all = runs.map(({ tookMs }) => tookMs);
  console.log(`  ${'in all'.padEnd(18)} ${summary(all, 'ms', 0)}`);
}
const spawns = [...took.values()].flat().map(({ spawnMs }) => spawnMs);
console.log(`of which starting any program, by /bin/true: ${summary(spawns, 'ms')}`);
const total = (dist: string): number => median(took.get(dist)!.map(({ tookMs }) => tookMs));
const [first = '', ...others] = options.dists;
for (const other of others) console.log(`${other} takes ${(total(other) / total(first)).toFixed(3)} × ${first}`);
