// node bench/run.mjs start [--rounds N] [--cold-rounds N] [--pool N] [--dist FOLDER]… [--calm]: how long a container that
// runs `true` on a busybox root takes, as its caller sees it: kata-ts cold, from a template and out of a pool beside runc
// and gVisor's runsc, each by its own command line and through containerd 1.6.
import fs from 'node:fs';
import path from 'node:path';
import { Containerd, IMAGE } from '../test/harness/containerd.ts';
import { type Executed, execute } from './lib/execute.ts';
import { KataMode, type ModeName, openModes } from './lib/kata-mode.ts';
import { calm } from './lib/machine.ts';
import { benchOptions } from './lib/options.ts';
import { Peer } from './lib/peer.ts';
import { RUN_NAME } from './lib/run-name.ts';
import { Workplace } from './lib/shim.ts';
import { median, quantile } from './lib/statistics.ts';
import { formatTable } from './lib/table.ts';

/** A way to run a container to its end. */
interface Way {
  name: string;
  run(id: string): Promise<Executed>;
  /** What must be so again before anything else is measured: a pool that fills itself takes processor time. */
  settled?(): Promise<void>;
  rounds: number;
  tookMs: number[];
  failure?: string;
}

const options = await benchOptions(20, { 'cold-rounds': 5, pool: 2 });
const workplace = new Workplace();
const ways: Way[] = [];
const add = (name: string, run: Way['run'], more: Partial<Way> = {}): void => {
  ways.push({ name, run, rounds: options.rounds, tookMs: [], ...more });
};

function addPeer(peer: Peer): void {
  const bundle = peer.bundle('run', workplace.root, ['true']);
  add(`${peer.name} run`, (id) => execute(peer.runCommand(id, bundle)));
}

/** Of several builds, each row says which. */
const labelOf = (dist: string): string => (options.dists.length > 1 ? ` (${path.relative('.', dist)})` : '');

function addKata(mode: KataMode, dist: string): void {
  add(`kata-runtime run, ${mode.name}${labelOf(dist)}`, () => mode.run('--rm', 'busybox', 'true'), rarely(mode));
}

/** A cold start takes so long that few must do. */
const rarely = (mode: KataMode): Partial<Way> => ({
  rounds: mode.name === 'cold' ? Math.min(options.own['cold-rounds'], options.rounds) : options.rounds,
  settled: () => mode.ready(),
});

function addCtr(containerd: Containerd, name: string, runtime: string[], more: Partial<Way> = {}): void {
  const command = [containerd.client, '--address', containerd.address, 'run', '--rm', ...runtime, IMAGE];
  add(`ctr run, ${name}`, (id) => execute([...command, id, 'true']), more);
}

/** gVisor's shim, where its package has one. */
function addRunscShim(containerd: Containerd, runsc: Peer): void {
  const shim = path.join(path.dirname(runsc.program), 'containerd-shim-runsc-v1');
  if (!fs.existsSync(shim)) {
    console.log('NOT MEASURED: ctr run, runsc: the package has no containerd-shim-runsc-v1');
    return;
  }
  const config = path.join(workplace.folder, 'runsc.toml');
  fs.writeFileSync(config, '[runsc_config]\nplatform = "systrap"\nnetwork = "none"\nignore-cgroups = "true"\n');
  addCtr(containerd, 'runsc', ['--runtime', shim, '--runtime-config-path', config]);
}

async function measure(way: Way, round: number): Promise<void> {
  if (way.failure !== undefined || way.tookMs.length >= way.rounds) return;
  try {
    if (options.calm) await calm();
    const { tookMs } = await way.run(`${RUN_NAME}-${ways.indexOf(way)}-${round + 1}`);
    // The first warms the caches of files, and does not count.
    if (round >= 0) way.tookMs.push(tookMs);
    await way.settled?.();
  } catch (error) {
    way.failure = (error as Error).message;
  }
}

function report(): void {
  const runscMs = median(ways.find(({ name }) => name === 'runsc run')?.tookMs ?? []);
  const rows = ways.map(({ name, tookMs, failure }) => {
    if (failure !== undefined) return [name, `FAILED after ${tookMs.length}: ${failure}`];
    const figures = [0.5, 0.9, 0.99].map((part) => quantile(tookMs, part).toFixed(1));
    const least = Math.min(...tookMs).toFixed(1);
    return [name, ...figures, least, String(tookMs.length), (median(tookMs) / runscMs).toFixed(2)];
  });
  const failed = rows.filter(({ length }) => length === 2);
  const heads = ['ms, from exec to end', 'p50', 'p90', 'p99', 'least', 'n', '× runsc run'];
  console.log(formatTable([heads, ...rows.filter((row) => !failed.includes(row))]));
  for (const [name, how] of failed) console.log(`${name}: ${how}`);
}

const middle = (name: string): number => median(ways.find((way) => way.name === name)?.tookMs ?? []);

/** How the goals are met, for each build. */
function judge(dist: string): void {
  const kata = (mode: ModeName): number => middle(`kata-runtime run, ${mode}${labelOf(dist)}`);
  const ctr = middle(`ctr run, kata-ts template${labelOf(dist)}`);
  const ctrRunsc = middle('ctr run, runsc');
  const goal = (text: string, value: number, bound: number, unit: string): void => {
    const verdict = Number.isNaN(value) ? 'not measured' : value <= bound ? 'met' : 'MISSED';
    const shown = Number.isNaN(value) ? '' : ` ${unit === '×' ? value.toFixed(2) : value.toFixed(0)}`;
    console.log(`goal: ${text}${labelOf(dist)} ≤ ${bound} ${unit}:${shown} ${verdict}`);
  };
  goal('kata-runtime run from the template / runsc run', kata('template') / middle('runsc run'), 2.0, '×');
  goal('kata-runtime run out of the pool / runsc run', kata('pool') / middle('runsc run'), 0.6, '×');
  if (Number.isNaN(ctrRunsc))
    goal('ctr run: kata-ts from the template − runc', ctr - middle('ctr run, runc'), 200, 'ms');
  else goal('ctr run: kata-ts from the template / runsc', ctr / ctrRunsc, 2.0, '×');
}

const peers = { runc: new Peer('runc', workplace.folder), runsc: new Peer('runsc', workplace.folder) };
// containerd's shim for runc looks for it there.
process.env.PATH = `${path.dirname(peers.runc.program)}:${process.env.PATH}`;
const containerd = await Containerd.start('1.6');
const modes: KataMode[] = [];
try {
  addPeer(peers.runc);
  addPeer(peers.runsc);
  for (const dist of options.dists) {
    const all = (['cold', 'template', 'pool'] as const).map(
      (name) => new KataMode(name, dist, workplace.folder, options.own.pool),
    );
    modes.push(...all);
    const opened = await openModes(all);
    for (const mode of opened) addKata(mode, dist);
    for (const mode of opened) {
      const shim = path.join(dist, 'bin/containerd-shim-kata-v2');
      const runtime = ['--runtime', shim, '--runtime-config-path', mode.config];
      addCtr(containerd, `kata-ts ${mode.name}${labelOf(dist)}`, runtime, rarely(mode));
    }
  }
  addCtr(containerd, 'runc', ['--runtime', 'io.containerd.runc.v2']);
  addRunscShim(containerd, peers.runsc);
  // Every one in turn, and each first in turn, so that the machine's noise meets all alike.
  for (let round = -1; round < options.rounds; round++)
    for (let i = 0; i < ways.length; i++) await measure(ways[(i + round + 1) % ways.length]!, round);
  report();
  for (const dist of options.dists) judge(dist);
} finally {
  for (const mode of modes) await mode.close();
  await containerd.stop();
  workplace.close();
}
