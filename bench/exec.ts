// node bench/run.mjs exec [--rounds N] [--dist FOLDER]… [--calm]: how long a further process in a running VM takes: `true`, by
// the shim's task API (Exec, Start, Wait, Delete), by kata-runtime exec, and by ctr of containerd 1.6.
import { Containerd } from '../test/harness/containerd.ts';
import { kataRuntime, timed } from './lib/kata-runtime.ts';
import { benchOptions, inTurns } from './lib/options.ts';
import { Shim, Workplace } from './lib/shim.ts';
import { summary } from './lib/statistics.ts';

/** The first ones translate the guest's code. */
const WARM_UP = 5;

const options = await benchOptions(30);
const [ownDist = ''] = options.dists;
const workplace = new Workplace();
const shims = new Map<string, Shim>();
for (const dist of options.dists) {
  const shim = new Shim(dist, workplace, { args: ['sleep', '3600'] });
  shims.set(dist, shim);
  await shim.run();
}
const name = `bench-${process.pid}`;
kataRuntime(ownDist, 'run', '-d', '--rm', '--name', name, 'busybox', 'sleep', '3600');
const containerd = await Containerd.start('1.6');
await containerd.sleeper(name);
const ctr = [containerd.client, '--address', containerd.address];

const measure = (id: string) =>
  inTurns({ ...options, rounds: id === 'warm' ? WARM_UP : options.rounds }, async (dist, round) => {
    const start = performance.now();
    const status = await shims.get(dist)!.exec(`${id}${round}`, ['true']);
    const taskMs = performance.now() - start;
    if (status !== 0) throw new Error(`true ended with ${status}`);
    if (dist !== ownDist) return { taskMs };
    return {
      taskMs,
      runtimeMs: kataRuntime(dist, 'exec', name, 'true').tookMs,
      ctrMs: timed([...ctr, 'task', 'exec', '--exec-id', `${id}${round}`, name, 'true']).tookMs,
      ctrAloneMs: timed([...ctr, 'task', 'ls']).tookMs,
      spawnMs: timed(['/bin/true']).tookMs,
    };
  });
await measure('warm');
for (const [dist, runs] of await measure('e')) {
  console.log(`true in a running VM (${dist})`);
  const row = (what: string, key: 'taskMs' | 'runtimeMs' | 'ctrMs' | 'ctrAloneMs' | 'spawnMs') => {
    const series = runs.flatMap((run) => run[key] ?? []);
    if (series.length > 0) console.log(`  ${what.padEnd(34)} ${summary(series, 'ms')}`);
  };
  row('by the task API', 'taskMs');
  row('kata-runtime exec', 'runtimeMs');
  row('ctr task exec, containerd 1.6', 'ctrMs');
  row('of which ctr itself, by ctr task ls', 'ctrAloneMs');
  row('any program, by /bin/true', 'spawnMs');
}
await containerd.end(name);
await containerd.stop();
kataRuntime(ownDist, 'rm', '--force', name);
for (const shim of shims.values()) await shim.end();
workplace.close();
