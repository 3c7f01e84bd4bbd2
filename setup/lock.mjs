// One set-up at a time.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { build } from './paths.mjs';
import { SetupError } from './run.mjs';

let held = false;

/**
 * Runs `work` while no other set-up of this checkout runs. The lock is on an open file: the kernel frees it however this process ends.
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(work) {
  if (held) return work();
  fs.mkdirSync(build, { recursive: true });
  const fd = fs.openSync(path.join(build, 'lock'), 'a');
  // flock(1) locks the open file that it shares with us, so the lock outlives it.
  /** @param {string[]} how */
  const flock = (how) => spawnSync('flock', [...how, '3'], { stdio: ['ignore', 'inherit', 'inherit', fd] });
  try {
    let result = flock(['--nonblock']);
    if (result.error) throw new SetupError('flock was not found. Install it: apt-get install util-linux');
    if (result.status === 1) {
      console.log('  another set-up of this checkout is running; waiting for it');
      result = flock(['--timeout', '1800']);
    }
    if (result.status !== 0) throw new SetupError('another set-up of this checkout has been running for half an hour');
    held = true;
    return await work();
  } finally {
    held = false;
    fs.closeSync(fd);
  }
}
