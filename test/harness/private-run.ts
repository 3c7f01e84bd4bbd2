import { execFileSync } from 'node:child_process';
import fs from 'node:fs';

/**
 * Gives the test process's mount namespace (its own, see setup/isolation.mjs) empty folders where sandboxes and the sockets
 * of shims are, so that what other programs of this machine do at the same time is not counted.
 */
export function privateRun(): void {
  for (const folder of ['/run/kata', '/run/containerd/s']) {
    fs.mkdirSync(folder, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', 'kata-ts-test', folder]);
  }
}
