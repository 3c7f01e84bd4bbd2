import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';

const CALM_LOAD = 1.5;
const PATIENCE_S = 600;

/** The machine in a line: figures mean nothing without it. */
export function describeMachine(): string {
  const version = spawnSync('qemu-system-x86_64', ['--version'], { encoding: 'utf8' }).stdout.match(
    /version (\S+)/,
  )?.[1];
  const model = os.cpus()[0]?.model.trim() ?? 'an unknown processor';
  const gib = (os.totalmem() / 2 ** 30).toFixed(0);
  return `${os.availableParallelism()} cores of ${model}, ${gib} GiB, Linux ${os.release()}, QEMU ${version}, ${accelerator()}, load ${load().toFixed(2)}, ${new Date().toISOString().slice(0, 16)}Z`;
}

/** What the product chooses, nearly: it also asks /dev/kvm itself. */
function accelerator(): string {
  const serves = ['kvm_intel', 'kvm_amd'].some((name) => fs.existsSync(`/sys/module/${name}`));
  return fs.existsSync('/dev/kvm') && serves ? 'KVM' : 'TCG';
}

const load = (): number => os.loadavg()[0] ?? 0;

/** Waits, for some minutes at most, until the machine has little else to do. */
export async function calm(): Promise<void> {
  for (let waitedS = 0; load() >= CALM_LOAD && waitedS < PATIENCE_S; waitedS += 5) {
    if (waitedS === 0) console.error(`waiting for a load below ${CALM_LOAD}, it is ${load().toFixed(2)}`);
    await new Promise((resolve) => setTimeout(resolve, 5000));
  }
}
