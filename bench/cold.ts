// node bench/run.mjs cold [--rounds N] [--dist FOLDER]… [--calm]: how long `kata-runtime run --rm busybox true` takes, from
// the shell's point of view, and when on its way what has happened.
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { KataMode } from './lib/kata-mode.ts';
import { timed } from './lib/kata-runtime.ts';
import { benchOptions, inTurns } from './lib/options.ts';
import { median, summary } from './lib/statistics.ts';

const options = await benchOptions(10);
const folder = fs.mkdtempSync(path.join(tmpdir(), 'kata-ts-bench-cold-'));
const modes = new Map(options.dists.map((dist) => [dist, new KataMode('cold', dist, folder, 0)]));
// What the first run of all makes once: the image of the root.
for (const mode of modes.values()) await mode.open();

const took = await inTurns(options, async (dist) => {
  const { stderr, tookMs } = timed(modes.get(dist)!.command('run', '--rm', '--timeline', 'busybox', 'true'));
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
fs.rmSync(folder, { recursive: true });
