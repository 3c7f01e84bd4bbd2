// node bench/run.mjs soak [--rounds N]: containers come and go, from the template and out of the pool in turn, while QEMUs,
// shims, waiting VMs, the pool and the template's files are killed or damaged at random moments. Each start ends in a
// container or in an error, and in the end nothing is left.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execute } from './lib/execute.ts';
import { KataMode } from './lib/kata-mode.ts';
import { benchOptions } from './lib/options.ts';
import { summary } from './lib/statistics.ts';

const POOL_SIZE = 2;
/** Every so many rounds something is done to it. */
const FAULT_EVERY = 3;
const LONGEST_DELAY_MS = 600;
const START_LIMIT_MS = 90_000;

const options = await benchOptions(100);
const [dist = ''] = options.dists;
const folder = fs.mkdtempSync(path.join(tmpdir(), 'kata-ts-soak-'));
const modes = [new KataMode('template', dist, folder, 0), new KataMode('pool', dist, folder, POOL_SIZE)];

/** Processes whose command line matches. */
function find(pattern: RegExp): number[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return pattern.test(fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '));
      } catch {
        return false;
      }
    })
    .map(Number);
}

function killOneOf(pids: number[]): void {
  const victim = pids[Math.floor(Math.random() * pids.length)];
  if (victim === undefined) return;
  try {
    process.kill(victim, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function truncate(file: string): void {
  try {
    fs.truncateSync(file, 1000);
  } catch {
    // It is being made anew.
  }
}

const faults: Record<string, (mode: KataMode) => void> = {
  'a QEMU is killed': () => killOneOf(find(/^\S*qemu-system/)),
  'a shim is killed': () => killOneOf(find(/^\S*containerd-shim-kata-v2 .* start/)),
  'a VM that waits is killed': () => killOneOf(find(/containerd-shim-kata-v2 pool-member/)),
  'the pool is killed': () => killOneOf(find(/containerd-shim-kata-v2 pool \//)),
  'the template is cut': ({ config }) => {
    const templates = path.join(path.dirname(config), 'templates');
    for (const name of fs.existsSync(templates) ? fs.readdirSync(templates) : [])
      if (/^[0-9a-f]{16}$/.test(name)) truncate(path.join(templates, name, Math.random() < 0.5 ? 'state' : 'process'));
  },
};
const names = Object.keys(faults);

/** What came of a start that did not print what it should. */
function endOf(status: number | null, stdout: string, stderr: string, fault: string | undefined): string {
  // It ran already when its VM was killed.
  if (status === 137 && fault !== undefined) return 'a container that was killed with its VM';
  if (status !== 0 && status !== null && stderr.trim() !== '') return 'an error';
  return `WRONG, status ${status}, said ${JSON.stringify(stdout + stderr)}`;
}

const tookMs: number[] = [];
const ends = new Map<string, number>();
const count = (end: string): void => void ends.set(end, (ends.get(end) ?? 0) + 1);
for (const mode of modes) await mode.open();
for (let round = 0; round < options.rounds; round++) {
  const mode = modes[round % modes.length]!;
  const name = round % FAULT_EVERY === 0 ? names[(round / FAULT_EVERY) % names.length] : undefined;
  const [program = '', ...args] = mode.command('run', '--rm', 'busybox', 'echo', 'up');
  const startMs = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: START_LIMIT_MS });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data) => (stdout += data));
  child.stderr.on('data', (data) => (stderr += data));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  if (name !== undefined) {
    await sleep(Math.random() * LONGEST_DELAY_MS);
    faults[name]?.(mode);
  }
  const status = await ended;
  const isUp = status === 0 && stdout === 'up\n';
  if (isUp && name === undefined) tookMs.push(performance.now() - startMs);
  count(`${name ?? 'no fault'}: ${isUp ? 'a container' : endOf(status, stdout, stderr, name)}`);
  // Whoever runs a pool starts it again when it is gone.
  if (mode.name === 'pool' && name === 'the pool is killed') await execute(mode.command('factory', 'init'));
}
for (const mode of modes) await mode.close();
await sleep(1000);
for (const [end, times] of [...ends].sort()) console.log(`${String(times).padStart(5)} × ${end}`);
console.log(`a start without a fault: ${summary(tookMs, 'ms', 0)}`);
const left = [
  ...find(/qemu-system|containerd-shim-kata|kata-runtime/).map((pid) => `process ${pid}`),
  ...['/run/kata', '/run/kata-runtime', '/run/containerd/s'].flatMap((place) =>
    fs.existsSync(place)
      ? fs
          .readdirSync(place)
          .filter((name) => name !== '.lock')
          .map((name) => `${place}/${name}`)
      : [],
  ),
  ...fs
    .readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.includes(folder)),
];
console.log(left.length === 0 ? 'nothing is left' : `LEFT: ${left.join(', ')}`);
fs.rmSync(folder, { recursive: true, force: true });
if (left.length > 0 || [...ends.keys()].some((end) => end.includes('WRONG'))) process.exitCode = 1;
