// node bench/run.mjs scale [--most N] [--probes N] [--mode template|pool|cold] [--pool N] [--at-once N] [--rate-seconds N]
// [--idle N] [--idle-seconds N] [--svg FILE] [--dist FOLDER] [--calm]: what many containers cost, for kata-ts, runc and
// runsc: how long the next one takes to start and what memory each takes, the more of them run; many starts at once;
// starts per second; and the processor time of those that do nothing. 0 leaves a part out.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type HostMemory, hostMemory, processorMs, pssKib } from './lib/host-processes.ts';
import { KataMode, type ModeName, openModes } from './lib/kata-mode.ts';
import { linePlot } from './lib/line-plot.ts';
import { calm } from './lib/machine.ts';
import { benchOptions } from './lib/options.ts';
import { Peer } from './lib/peer.ts';
import { Population } from './lib/population.ts';
import { kataRuntime, peerRuntime, type ResidentRuntime } from './lib/resident-runtime.ts';
import { Workplace } from './lib/shim.ts';
import { median, quantile } from './lib/statistics.ts';
import { picture } from './lib/svg.ts';
import { formatTable } from './lib/table.ts';

const STEPS = [1, 2, 5, 10, 20, 35, 50, 75, 100, 150, 200, 300, 500];
const RATE_WORKERS = [2, 4];
/** Until what a start leaves to be done is done. */
const SETTLE_MS = 1000;
const PANEL = { width: 520, height: 380 };
const IDLE_GOAL_PERCENT = 0.2;

/** What was found with so many containers. */
interface Step {
  count: number;
  startMs: number[];
  /** KiB of a container, by what has them. */
  pss: Map<string, number>;
  /** KiB of a container, of the whole machine. */
  machine: HostMemory;
}

const options = await benchOptions(1, {
  ...{ most: 20, probes: 3, mode: 'template', pool: 2, 'at-once': 20, 'rate-seconds': 20, idle: 5, 'idle-seconds': 60 },
  svg: path.resolve('bench/results/scale.svg'),
});
const { own } = options;
const cores = os.availableParallelism();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => void endAll().finally(() => process.exit(128 + os.constants.signals[signal])));
const workplace = new Workplace();
const populations: Population[] = [];
const modes: KataMode[] = [];

const mib = (kib: number): string => (kib / 1024).toFixed(1);
const total = (parts: ReadonlyMap<string, number>): number => [...parts.values()].reduce((sum, kib) => sum + kib, 0);

async function quiet({ runtime }: Population): Promise<void> {
  await runtime.settled();
  if (options.calm) await calm();
}

/** Starts some more and ends them again. */
async function probe(population: Population): Promise<number[]> {
  const ids: string[] = [];
  const took: number[] = [];
  for (let i = 0; i < own.probes; i++) {
    await quiet(population);
    const { id, tookMs } = await population.add();
    ids.push(id);
    took.push(tookMs);
  }
  await population.end(ids);
  return took;
}

/** Memory as it is with the containers that run now, next to how it was without. */
async function look({ ids, runtime }: Population, before: HostMemory): Promise<Pick<Step, 'pss' | 'machine'>> {
  await sleep(SETTLE_MS);
  const each = (kib: number): number => kib / ids.size;
  const pss = new Map<string, number>();
  for (const [kind, pids] of runtime.processes([...ids]))
    pss.set(kind, each(pids.reduce((sum, pid) => sum + pssKib(pid), 0)));
  const now = hostMemory();
  const machine = {
    available: each(before.available - now.available),
    shared: each(now.shared - before.shared),
    tmpfs: each(now.tmpfs - before.tmpfs),
  };
  return { pss, machine };
}

/** More and more containers, up to --most. One that cannot be started ends it, and what was found stays. */
async function grow(population: Population): Promise<Step[]> {
  const steps: Step[] = [];
  try {
    // The one before may still be going.
    await sleep(SETTLE_MS);
    const before = hostMemory();
    for (const count of [...STEPS.filter((step) => step < own.most), own.most]) {
      while (population.ids.size < count) await population.add();
      const memory = await look(population, before);
      const step = { count, startMs: await probe(population), ...memory };
      steps.push(step);
      console.log(`${population.runtime.name}: ${count} run, the next takes ${median(step.startMs).toFixed(0)} ms`);
    }
  } catch (error) {
    console.log(`FAILED: ${population.runtime.name} with ${population.ids.size}: ${(error as Error).message}`);
  }
  await population.close();
  return steps;
}

function tellSteps(name: string, steps: readonly Step[]): void {
  const rows = steps.map(({ count, startMs, pss, machine }) => [
    `  ${count}`,
    median(startMs).toFixed(1),
    quantile(startMs, 0.99).toFixed(1),
    mib(total(pss)),
    mib(machine.available),
    mib(machine.shared),
    mib(machine.tmpfs),
    [...pss].map(([kind, kib]) => `${kind} ${mib(kib)}`).join(', '),
  ]);
  const heads = ['start p50 ms', 'p99', 'Pss', 'of MemAvailable', 'Shmem', 'tmpfs', 'of the Pss'];
  console.log(`\n${name}: the next starts, and MiB of each container`);
  console.log(formatTable([['  n', ...heads], ...rows]));
}

/** Many at once, against one alone. */
async function burst(population: Population): Promise<string> {
  const alone = await probe(population);
  await quiet(population);
  const start = performance.now();
  const ended = await Promise.allSettled(Array.from({ length: own['at-once'] }, () => population.add()));
  const allMs = performance.now() - start;
  await population.close();
  const took = ended.flatMap((each) => (each.status === 'fulfilled' ? [each.value.tookMs] : []));
  const [failure] = ended.flatMap((each) => (each.status === 'rejected' ? [String(each.reason)] : []));
  const bound = (3 * median(alone) * own['at-once']) / cores;
  const most = quantile(took, 0.99);
  const failed = failure === undefined ? '' : `, ${own['at-once'] - took.length} FAILED: ${failure}`;
  return (
    `p50 ${median(took).toFixed(0)} ms, p99 ${most.toFixed(0)} ms, all within ${allMs.toFixed(0)} ms; one alone ` +
    `${median(alone).toFixed(0)} ms, bound of the p99 ${bound.toFixed(0)} ms: ${most <= bound && failed === '' ? 'met' : 'MISSED'}${failed}`
  );
}

/** Containers that run to their end, one after another, by several workers. */
async function rate(population: Population, workers: number): Promise<string> {
  await quiet(population);
  const start = performance.now();
  const until = start + own['rate-seconds'] * 1000;
  let done = 0;
  const worker = async (): Promise<void> => {
    for (; performance.now() < until; done++) await population.runOnce();
  };
  await Promise.all(Array.from({ length: workers }, worker));
  return `${(done / ((performance.now() - start) / 1000)).toFixed(2)}/s`;
}

/** Processor time of containers that sleep. */
async function idle(population: Population): Promise<string> {
  for (let i = 0; i < own.idle; i++) await population.add();
  await quiet(population);
  await sleep(5 * SETTLE_MS);
  const kinds = population.runtime.processes([...population.ids]);
  const spent = (): Map<string, number> =>
    new Map([...kinds].map(([kind, pids]) => [kind, pids.reduce((sum, pid) => sum + processorMs(pid), 0)]));
  const before = spent();
  const start = performance.now();
  await sleep(own['idle-seconds'] * 1000);
  const percent = 100 / (performance.now() - start) / own.idle;
  const parts = [...spent()].map(([kind, ms]) => [kind, (ms - before.get(kind)!) * percent] as const);
  await population.close();
  const all = total(new Map(parts));
  const told = parts.map(([kind, part]) => `${kind} ${part.toFixed(3)}`).join(', ');
  const verdict = all <= IDLE_GOAL_PERCENT ? 'within' : 'ABOVE';
  return `${all.toFixed(3)} % of a core each (${told}): ${verdict} ${IDLE_GOAL_PERCENT} %`;
}

/** One measurement of every runtime; a runtime that fails in it is told, and what it started is ended. */
async function ofEach(title: string, measure: (population: Population) => Promise<string>): Promise<void> {
  console.log(`\n${title}`);
  for (const population of populations) {
    const found = await measure(population).catch((error: Error) => `FAILED: ${error.message}`);
    await population.close();
    console.log(`  ${population.runtime.name}: ${found}`);
  }
}

function draw(found: ReadonlyMap<string, readonly Step[]>): void {
  const series = (value: (step: Step) => number) =>
    [...found].map(([name, steps]) => ({ name, points: steps.map((step) => [step.count, value(step)] as const) }));
  const xTitle = 'containers that run';
  const plots = [
    { title: 'Start of the next one, median', xTitle, yTitle: 'ms', series: series(({ startMs }) => median(startMs)) },
    { title: 'Memory of each (Pss)', xTitle, yTitle: 'MiB', series: series(({ pss }) => total(pss) / 1024) },
  ];
  const parts = plots.map((plot, i) => linePlot(plot, { x: i * PANEL.width, y: 0, ...PANEL }));
  fs.mkdirSync(path.dirname(own.svg), { recursive: true });
  fs.writeFileSync(own.svg, picture('Start and memory by how many run', 2 * PANEL.width, PANEL.height, parts));
  console.log(`\ndrawn: ${path.relative('.', own.svg)}`);
}

/** kata-ts in the mode asked for, else cold, and that is said. */
async function openKata(): Promise<ResidentRuntime[]> {
  for (const name of new Set([own.mode as ModeName, 'cold' as const])) {
    const mode = new KataMode(name, options.dists[0]!, workplace.folder, own.pool);
    modes.push(mode);
    const before = hostMemory();
    const [opened] = await openModes([mode]);
    if (opened === undefined) continue;
    const { shared, tmpfs } = hostMemory();
    console.log(
      `kata-ts (${name}) keeps for all: tmpfs ${mib(tmpfs - before.tmpfs)} MiB, Shmem ${mib(shared - before.shared)} MiB`,
    );
    return [kataRuntime(opened)];
  }
  return [];
}

async function endAll(): Promise<void> {
  await Promise.all(populations.map((population) => population.retire()));
  for (const mode of modes) await mode.close();
  workplace.close();
}

try {
  if (!['cold', 'template', 'pool'].includes(own.mode)) throw new Error(`--mode is unknown: ${own.mode}`);
  const peers = (['runc', 'runsc'] as const).map((name) =>
    peerRuntime(new Peer(name, workplace.folder), workplace.root),
  );
  for (const runtime of [...(await openKata()), ...peers]) populations.push(new Population(runtime));
  if (own.most > 0) {
    const found = new Map<string, Step[]>();
    for (const population of populations) found.set(population.runtime.name, await grow(population));
    for (const [name, steps] of found) tellSteps(name, steps);
    draw(found);
  }
  if (own['at-once'] > 0) await ofEach(`${own['at-once']} at once, on ${cores} cores`, burst);
  if (own['rate-seconds'] > 0)
    for (const workers of RATE_WORKERS)
      await ofEach(
        `${workers} workers that start one after another for ${own['rate-seconds']} s, each run to its end`,
        (population) => rate(population, workers),
      );
  if (own.idle > 0) await ofEach(`${own.idle} that sleep, over ${own['idle-seconds']} s`, idle);
} finally {
  await endAll();
}
