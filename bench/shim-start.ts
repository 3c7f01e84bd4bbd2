// node bench/run.mjs shim-start [--rounds N] [--dist FOLDER]… [--calm]: from the exec of `containerd-shim-kata-v2 … start` to
// its end, its address printed, the pod's shim forked.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { benchOptions, inTurns } from './lib/options.ts';
import { Shim, Workplace } from './lib/shim.ts';
import { summary } from './lib/statistics.ts';

/**
 * Runs a program once and prints the microseconds it took. A shell does it, being small: a fork of Node would take longer
 * than what is measured.
 */
const SCRIPT = `cd "$1"; shift; start=\${EPOCHREALTIME/./}; out=$("$@"); end=\${EPOCHREALTIME/./}; echo $((end - start)) "$out"`;

function microseconds(folder: string, argv: readonly string[]): { ms: number; out: string } {
  const line = execFileSync('bash', ['-c', SCRIPT, 'bash', folder, ...argv], { encoding: 'utf8', timeout: 10_000 });
  const [us = '', out = ''] = line.trim().split(' ');
  return { ms: Number(us) / 1000, out };
}

const options = await benchOptions(50);
const workplace = new Workplace();
const took = await inTurns(options, async (dist) => {
  const shim = new Shim(dist, workplace, { args: ['true'] });
  const [program, args] = shim.command;
  const { ms, out } = microseconds(shim.bundle, [program, ...args]);
  if (!out.startsWith('unix://')) throw new Error(`an address is expected, found "${out}"`);
  process.kill(shim.pid, 'SIGTERM');
  fs.rmSync(path.join(shim.bundle), { recursive: true });
  return { ms, trueMs: microseconds('/', ['/bin/true']).ms };
});
for (const [dist, runs] of took) {
  console.log(`containerd-shim-kata-v2 start (${dist})`);
  console.log(
    `  to its address    ${summary(
      runs.map(({ ms }) => ms),
      'ms',
      2,
    )}`,
  );
  console.log(
    `  /bin/true instead ${summary(
      runs.map(({ trueMs }) => trueMs),
      'ms',
      2,
    )}`,
  );
}
workplace.close();
