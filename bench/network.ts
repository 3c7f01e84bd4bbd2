// node bench/run.mjs network [--rounds N] [--pool N] [--dist FOLDER]… [--calm]: what a pod's network adds to a start: from Create
// to the answer of Start, with a network namespace that has a veth interface and with one that has none, in turns; and to a stop.
import fs from 'node:fs';
import path from 'node:path';
import type { OciSpec } from '../src/oci/spec.ts';
import { NetworkNamespace, PodNetwork } from '../test/harness/pod-network.ts';
import { KataMode, openModes } from './lib/kata-mode.ts';
import { calm } from './lib/machine.ts';
import { benchOptions } from './lib/options.ts';
import { Shim, Workplace } from './lib/shim.ts';
import { median, summary } from './lib/statistics.ts';

const options = await benchOptions(10, { pool: 1 });
const workplace = new Workplace();

interface Took {
  startMs: number;
  /** Processor time of shim and VMM by then: what another process on the machine does not add to. */
  processorMs: number;
  stopMs: number;
}

/** One container in this namespace, to its end; without one its spec names none. */
async function once(mode: KataMode, dist: string, namespace: string | null): Promise<Took> {
  process.env.KATA_CONF_FILE = mode.config;
  const shim = new Shim(dist, workplace, { args: ['sleep', '1000'] });
  const file = path.join(shim.bundle, 'config.json');
  const spec: OciSpec = JSON.parse(fs.readFileSync(file, 'utf8'));
  const network = spec.linux!.namespaces!.find(({ type }) => type === 'network')!;
  if (namespace !== null) network.path = namespace;
  fs.writeFileSync(file, JSON.stringify(spec));
  shim.start();
  await shim.connect();
  const beginMs = performance.now();
  await shim.create();
  await shim.task.start({ id: shim.id });
  const startMs = performance.now() - beginMs;
  const { vmm } = JSON.parse(fs.readFileSync(`/run/kata/${shim.id}/state.json`, 'utf8'));
  const processorMs = processorTimeMs(shim.pid) + processorTimeMs(vmm.pid);
  const endMs = performance.now();
  await shim.end();
  return { startMs, processorMs, stopMs: performance.now() - endMs };
}

/** Of all threads of a process that run (`schedstat`: nanoseconds on a processor, waiting, slices). */
const processorTimeMs = (pid: number): number =>
  fs
    .readdirSync(`/proc/${pid}/task`)
    .map((tid) => Number(fs.readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'utf8').split(' ')[0]) / 1e6)
    .reduce((sum, ms) => sum + ms, 0);

const pod = new PodNetwork();
const empty = new NetworkNamespace('empty');
const places = { 'no namespace': null, 'an empty one': empty.path, 'one with a veth': pod.pod.path };
const modes: KataMode[] = [];
try {
  for (const dist of options.dists) {
    const all = (['template', 'pool'] as const).map(
      (name) => new KataMode(name, dist, workplace.folder, options.own.pool),
    );
    modes.push(...all);
    for (const mode of await openModes(all)) {
      const runs = new Map<string, Took[]>(Object.keys(places).map((name) => [name, []]));
      for (let round = 0; round < options.rounds; round++)
        for (const [name, namespace] of Object.entries(places)) {
          await mode.ready();
          if (options.calm) await calm();
          runs.get(name)!.push(await once(mode, dist, namespace));
        }
      console.log(`${mode.name} (${path.relative('.', dist)})`);
      const numbers = (name: string, what: keyof Took): number[] => runs.get(name)!.map((took) => took[what]);
      for (const what of ['startMs', 'processorMs', 'stopMs'] as const)
        for (const name of runs.keys())
          console.log(`  ${what.padEnd(12)} ${name.padEnd(16)} ${summary(numbers(name, what), 'ms')}`);
      const added = (what: keyof Took, name: string): string =>
        (median(numbers(name, what)) - median(numbers('no namespace', what))).toFixed(1);
      for (const name of ['an empty one', 'one with a veth'])
        console.log(
          `  ${name} adds ${added('startMs', name)} ms to a start (${added('processorMs', name)} of processor time), ${added('stopMs', name)} ms to a stop`,
        );
    }
  }
} finally {
  for (const mode of modes) await mode.close();
  pod.remove();
  empty.remove();
  workplace.close();
}
