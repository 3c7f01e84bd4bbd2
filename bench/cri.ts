// node bench/run.mjs cri [--rounds N] [--pool N] [--version 1.6] [--dist FOLDER]… [--calm]: how long a pod with one container
// takes as kubelet asks for it, by containerd's CRI plugin: kata-ts from its template and out of a pool, beside runc.
import path from 'node:path';
import { CriNode } from '../test/harness/cri/cri-node.ts';
import { KataMode, openModes } from './lib/kata-mode.ts';
import { calm } from './lib/machine.ts';
import { benchOptions } from './lib/options.ts';
import { Peer } from './lib/peer.ts';
import { Workplace } from './lib/shim.ts';
import { median, quantile } from './lib/statistics.ts';
import { formatTable } from './lib/table.ts';

/** The calls that are measured, and how long they may take without KVM, in milliseconds. */
const BOUNDS = { RunPodSandbox: 300, CreateContainer: Number.NaN, StartContainer: 100, StopPodSandbox: 120 };
type Call = keyof typeof BOUNDS;
const CALLS = Object.keys(BOUNDS) as Call[];

interface Way {
  name: string;
  node: CriNode;
  handler: string;
  /** What must be so again before anything else is measured. */
  ready(): Promise<void>;
  tookMs: Record<Call, number[]>;
}

const options = await benchOptions(20, { pool: 2, version: '1.6' });
const workplace = new Workplace();
const runc = new Peer('runc', workplace.folder);
// containerd's shim for runc looks for it there.
process.env.PATH = `${path.dirname(runc.program)}:${process.env.PATH}`;
const modes: KataMode[] = [];
const nodes: CriNode[] = [];
const ways: Way[] = [];

async function addWay(name: string, handler: string, mode: KataMode | null): Promise<void> {
  // A pool serves whom it shares its namespaces with.
  const env: Record<string, string> = mode === null ? {} : { KATA_CONF_FILE: mode.config };
  const node = await CriNode.start(options.own.version, { env, inOurs: true });
  nodes.push(node);
  const tookMs = Object.fromEntries(CALLS.map((call) => [call, [] as number[]])) as Record<Call, number[]>;
  ways.push({ name, node, handler, ready: async () => mode?.ready(), tookMs });
}

/** One pod of one container, to its end. The first warms the caches of files, and does not count. */
async function once({ node, handler, tookMs, ready }: Way, counts: boolean): Promise<void> {
  await ready();
  if (options.calm) await calm();
  const timed = async <T>(call: Call, action: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    const result = await action();
    if (counts) tookMs[call].push(performance.now() - start);
    return result;
  };
  const pod = await timed('RunPodSandbox', () => node.pod({}, handler));
  const id = await timed('CreateContainer', () => pod.create('exec sleep 3600'));
  await timed('StartContainer', () => node.cri.start(id));
  await timed('StopPodSandbox', () => node.cri.stopPod(pod.id));
  await node.cri.removePod(pod.id);
}

function report(): void {
  const rows = CALLS.flatMap((call) =>
    ways.map(({ name, tookMs }) => {
      const figures = [0.5, 0.9].map((part) => quantile(tookMs[call], part).toFixed(0));
      return [call, name, ...figures, Math.min(...tookMs[call]).toFixed(0), String(tookMs[call].length)];
    }),
  );
  console.log(formatTable([['ms', 'by', 'p50', 'p90', 'least', 'n'], ...rows]));
  for (const { name, tookMs } of ways.slice(1))
    for (const call of CALLS) {
      const value = median(tookMs[call]);
      if (Number.isNaN(BOUNDS[call])) continue;
      console.log(
        `goal: ${call}, ${name} ≤ ${BOUNDS[call]} ms: ${value.toFixed(0)} ${value <= BOUNDS[call] ? 'met' : 'MISSED'}`,
      );
    }
}

try {
  await addWay('runc', 'runc', null);
  for (const dist of options.dists) {
    const all = (['template', 'pool'] as const).map(
      (name) => new KataMode(name, dist, workplace.folder, options.own.pool),
    );
    modes.push(...all);
    for (const mode of await openModes(all)) await addWay(`kata-ts ${mode.name}`, 'kata', mode);
  }
  // Every one in turn, so that the machine's noise meets all alike.
  for (let round = -1; round < options.rounds; round++) for (const way of ways) await once(way, round >= 0);
  report();
} finally {
  for (const node of nodes) await node.stop();
  for (const mode of modes) await mode.close();
  workplace.close();
}
