import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';

/** The part of the processors' time that others may use while the machine counts as calm, and for how long that is seen. */
const CALM_PART = 0.2;
const LOOK_MS = 400;
const PATIENCE_MS = 60_000;

/** The machine in a line: figures mean nothing without it. */
export function describeMachine(): string {
  const version = spawnSync('qemu-system-x86_64', ['--version'], { encoding: 'utf8' }).stdout.match(
    /version (\S+)/,
  )?.[1];
  const model = os.cpus()[0]?.model.trim() ?? 'an unknown processor';
  const gib = (os.totalmem() / 2 ** 30).toFixed(0);
  return `${os.availableParallelism()} cores of ${model}, ${gib} GiB, Linux ${os.release()}, QEMU ${version}, ${accelerator()}, load ${os.loadavg()[0]?.toFixed(2)}, ${new Date().toISOString().slice(0, 16)}Z`;
}

/** What the product chooses, nearly: it also asks /dev/kvm itself. */
function accelerator(): string {
  const serves = ['kvm_intel', 'kvm_amd'].some((name) => fs.existsSync(`/sys/module/${name}`));
  return fs.existsSync('/dev/kvm') && serves ? 'KVM' : 'TCG';
}

/** Time that all processors have had so far, and what of it they had nothing to do, in ticks. */
function processorTime(): { all: number; idle: number } {
  const [line = ''] = fs.readFileSync('/proc/stat', 'utf8').split('\n');
  const ticks = line.split(/\s+/).slice(1).map(Number);
  return { all: ticks.reduce((sum, each) => sum + each, 0), idle: (ticks[3] ?? 0) + (ticks[4] ?? 0) };
}

/** Waits, for a minute at most, until the machine has little else to do. */
export async function calm(): Promise<void> {
  for (const start = performance.now(); performance.now() - start < PATIENCE_MS; ) {
    const before = processorTime();
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const after = processorTime();
    if (1 - (after.idle - before.idle) / (after.all - before.all) < CALM_PART) return;
  }
}
