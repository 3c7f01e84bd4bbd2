// node bench/run.mjs timeline [--rounds N] [--pool N] [--svg FILE] [--dist FOLDER]… [--calm]: when, on the way of a start,
// what has happened, for a cold start, one from a template and one out of a pool; as text and as a picture.
import fs from 'node:fs';
import path from 'node:path';
import { type Bar, barPlot, withShortOnesLarger } from './lib/bar-plot.ts';
import { KataMode, openModes } from './lib/kata-mode.ts';
import { calm } from './lib/machine.ts';
import { benchOptions } from './lib/options.ts';
import { Workplace } from './lib/shim.ts';
import { median } from './lib/statistics.ts';
import { formatTable } from './lib/table.ts';

const WIDTH = 1000;
/** The mark that the command itself sets: it has ended. */
const IN_ALL = 'in all';

type Marks = Map<string, number>;

const options = await benchOptions(10, { pool: 2, svg: path.resolve('bench/results/timeline.svg') });
const workplace = new Workplace();

/** One start's marks in ms since kata-runtime began, as `--timeline` tells them. */
async function start(mode: KataMode): Promise<Marks> {
  const { stderr, tookMs } = await mode.run('--rm', '--timeline', 'busybox', 'true');
  const told = [...stderr.matchAll(/^(\S.*?) +(\d+) ms$/gm)].map(([, name = '', ms]) => [name, Number(ms)] as const);
  return new Map([...told, [IN_ALL, tookMs]]);
}

/** Each mark's median over those runs that have it, in the order of time. */
function middle(runs: readonly Marks[]): [name: string, ms: number][] {
  const names = new Set(runs.flatMap((run) => [...run.keys()]));
  const medians = [...names].map((name): [string, number] => [
    name,
    median(runs.flatMap((run) => run.get(name) ?? [])),
  ]);
  return medians.sort(([, one], [, other]) => one - other);
}

/** From each mark to the next. A segment is called by the mark that ends it. */
const toBar = (name: string, marks: readonly [string, number][]): Bar => ({
  name,
  segments: marks.map(([mark, ms], index) => ({ name: mark, length: ms - (marks[index - 1]?.[1] ?? 0) })),
});

const modes: KataMode[] = [];
try {
  const runs = new Map<KataMode, { name: string; marks: Marks[] }>();
  for (const dist of options.dists) {
    const all = (['cold', 'template', 'pool'] as const).map(
      (name) => new KataMode(name, dist, workplace.folder, options.own.pool),
    );
    modes.push(...all);
    const suffix = options.dists.length > 1 ? ` (${path.relative('.', dist)})` : '';
    for (const mode of await openModes(all)) runs.set(mode, { name: `${mode.name}${suffix}`, marks: [] });
  }
  for (let round = 0; round < options.rounds; round++)
    for (const [mode, { marks }] of runs) {
      if (options.calm) await calm();
      marks.push(await start(mode));
      await mode.ready();
    }
  const bars: Bar[] = [];
  for (const { name, marks } of runs.values()) {
    const medians = middle(marks);
    console.log(`${name}: medians of ${marks.length}, ms since kata-runtime began, and since the mark before`);
    const bar = toBar(name, medians);
    bars.push(bar);
    const rows = medians.map(([mark, ms], i) => [`  ${mark}`, ms.toFixed(0), `+${bar.segments[i]!.length.toFixed(0)}`]);
    console.log(formatTable(rows));
  }
  if (bars.length === 0) throw new Error('no mode could be measured');
  const title = `kata-runtime run --rm busybox true: medians of ${options.rounds}, up to each mark`;
  fs.mkdirSync(path.dirname(options.own.svg), { recursive: true });
  fs.writeFileSync(options.own.svg, barPlot({ title, unit: 'ms', groups: withShortOnesLarger(bars) }, WIDTH));
  console.log(`drawn: ${path.relative('.', options.own.svg)}`);
} finally {
  for (const mode of modes) await mode.close();
  workplace.close();
}
