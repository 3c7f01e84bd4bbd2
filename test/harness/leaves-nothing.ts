import assert from 'node:assert/strict';
import { footprint, sleep } from './containerd.ts';

/** A shim answers before its process ends: it is given this long. */
const GRACE_MS = 3000;

/** Fails when the host does not look as it did before. */
export async function leavesNothing(before: ReturnType<typeof footprint>): Promise<void> {
  const expected = JSON.stringify(before);
  for (let waitedMs = 0; waitedMs < GRACE_MS; waitedMs += 50) {
    if (JSON.stringify(footprint()) === expected) return;
    await sleep(50);
  }
  assert.deepEqual(footprint(), before, 'something is left');
}
