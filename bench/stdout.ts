// node bench/run.mjs stdout [--rounds N] [--dist FOLDER]… [--calm]: 200 MiB from a process in the guest through the shim into a
// FIFO that somebody reads, as containerd's clients do; and what the shim's memory does meanwhile.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { benchOptions, inTurns } from './lib/options.ts';
import { resident, Shim, Workplace } from './lib/shim.ts';
import { summary } from './lib/statistics.ts';

const MIB = 200;
const SAMPLE_MS = 100;

const options = await benchOptions(5);
const workplace = new Workplace();
const shims = new Map<string, Shim>();
for (const dist of options.dists) {
  const shim = new Shim(dist, workplace, { args: ['sleep', '3600'] });
  shims.set(dist, shim);
  await shim.run();
}

async function transfer(shim: Shim, name: string, mebibytes: number) {
  const fifo = path.join(workplace.folder, `fifo-${name}`);
  execFileSync('mkfifo', [fifo]);
  const reader = spawn('sh', ['-c', `wc -c < ${fifo}`], { stdio: ['ignore', 'pipe', 'inherit'] });
  let counted = '';
  reader.stdout.on('data', (chunk) => {
    counted += chunk;
  });
  const read = once(reader, 'close');
  const samples = [resident(shim.pid).rssKib];
  const sampler = setInterval(() => samples.push(resident(shim.pid).rssKib), SAMPLE_MS);
  const start = performance.now();
  await shim.exec(name, ['dd', 'if=/dev/zero', 'bs=1M', `count=${mebibytes}`], { stdout: fifo });
  await read;
  const seconds = (performance.now() - start) / 1000;
  clearInterval(sampler);
  if (Number(counted) !== mebibytes * 2 ** 20)
    throw new Error(`${mebibytes} MiB are expected to arrive, ${counted.trim()} bytes did`);
  return {
    mibPerS: mebibytes / seconds,
    before: samples[0] ?? 0,
    most: Math.max(...samples),
    after: resident(shim.pid).rssKib,
  };
}

for (const [dist, shim] of shims) await transfer(shim, `warm-${path.basename(path.dirname(dist))}`, 16);
const took = await inTurns(options, (dist, round) =>
  transfer(shims.get(dist)!, `${shims.get(dist)!.id}-${round}`, MIB),
);
for (const [dist, runs] of took) {
  const rates = runs.map(({ mibPerS }) => mibPerS);
  console.log(`${MIB} MiB of stdout (${dist})\n  ${summary(rates, 'MiB/s')}`);
  const [first, last] = [runs[0]!, runs.at(-1)!];
  const most = Math.max(...runs.map((run) => run.most));
  console.log(`  Rss of the shim: ${first.before} KiB before, at most ${most} KiB, ${last.after} KiB after`);
}
for (const shim of shims.values()) await shim.end();
workplace.close();
