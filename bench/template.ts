// node bench/run.mjs template [--rounds N] [--first-rounds N] [--dist FOLDER] [--calm]: what a template costs and gives. With
// buffers of several sizes for translated code (tcg_tb_size_mib): how long it takes to be made, what it takes on tmpfs, and how
// long a container takes that starts from it, one that ends at once and one whose shell counts. Then the first start of
// all, which finds no template: it waits for the one that it has made, or boots while that is being made.
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execute } from './lib/execute.ts';
import { KataMode } from './lib/kata-mode.ts';
import { calm } from './lib/machine.ts';
import { benchOptions } from './lib/options.ts';
import { median } from './lib/statistics.ts';
import { formatTable } from './lib/table.ts';

const SIZES_MIB = [16, 32, 64, 128];
const COUNTING = 'i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done';

interface Row {
  mode: KataMode;
  sizeMib: number;
  madeMs: number;
  templateMib: number;
  endMs: number[];
  countMs: number[];
}

const options = await benchOptions(10, { 'first-rounds': 5 });
const folder = fs.mkdtempSync(path.join(tmpdir(), 'kata-ts-bench-'));
const dist = options.dists[0]!;

async function timed(command: string[]): Promise<number> {
  if (options.calm) await calm();
  return (await execute(command)).tookMs;
}

async function openRow(sizeMib: number): Promise<Row> {
  const mode = new KataMode('template', dist, folder, 0, { tcg_tb_size_mib: sizeMib });
  const madeMs = await timed(mode.command('factory', 'init', '--no-pool'));
  const { stdout } = await execute(mode.command('factory', 'status', '--format', 'json'));
  const [template] = JSON.parse(stdout).templates;
  await mode.open();
  return { mode, sizeMib, madeMs, templateMib: template.bytes / 2 ** 20, endMs: [], countMs: [] };
}

async function measureSizes(): Promise<void> {
  const rows: Row[] = [];
  try {
    for (const sizeMib of SIZES_MIB) rows.push(await openRow(sizeMib));
    for (let round = 0; round < options.rounds; round++)
      for (const { mode, endMs, countMs } of rows) {
        endMs.push(await timed(mode.command('run', '--rm', 'busybox', 'true')));
        countMs.push(await timed(mode.command('run', '--rm', 'busybox', 'sh', '-c', COUNTING)));
      }
    const header = ['tcg_tb_size_mib', 'made in ms', 'template MiB', 'run true ms', 'run counting ms'];
    const lines = rows.map(({ sizeMib, madeMs, templateMib, endMs, countMs }) =>
      [sizeMib, madeMs, templateMib, median(endMs), median(countMs)].map((value) => value.toFixed(0)),
    );
    console.log(formatTable([header, ...lines]));
  } finally {
    for (const { mode } of rows) await mode.close();
  }
}

async function measureFirst(): Promise<void> {
  const waits = new KataMode('template', dist, folder, 0);
  const boots = new KataMode('cold', dist, folder, 0);
  const [waited, booted, alone]: [number[], number[], number[]] = [[], [], []];
  try {
    for (let round = 0; round < options.own['first-rounds']; round++) {
      waited.push(await timed(waits.command('run', '--rm', 'busybox', 'true')));
      await waits.close();
      const making = execute(waits.command('factory', 'init', '--no-pool'));
      booted.push((await execute(boots.command('run', '--rm', 'busybox', 'true'))).tookMs);
      await making;
      await waits.close();
      alone.push(await timed(boots.command('run', '--rm', 'busybox', 'true')));
    }
  } finally {
    await waits.close();
  }
  console.log(
    formatTable([
      ['first start', 'ms'],
      ['makes the template, and waits', median(waited).toFixed(0)],
      ['boots beside who makes it', median(booted).toFixed(0)],
      ['boots, nothing is made', median(alone).toFixed(0)],
    ]),
  );
}

try {
  await measureSizes();
  await measureFirst();
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
