import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after, bootTimeNs, monotonicMs, monotonicNs, sleep, wallClockNs, withTimeout } from './timer.ts';

test('sleeping takes its time', async () => {
  const start = monotonicMs();
  await sleep(20);
  const tookMs = monotonicMs() - start;
  assert.ok(tookMs >= 19 && tookMs < 2000, String(tookMs));
});

test('a cancelled callback is not called, and cancelling again is fine', async () => {
  let calls = 0;
  const cancel = after(1, () => calls++);
  after(1, () => (calls += 10));
  cancel();
  cancel();
  await sleep(10);
  assert.equal(calls, 10);
  cancel();
});

test('work that is in time gives its outcome, work that is late an error that says so', async () => {
  assert.equal(await withTimeout(Promise.resolve(7), 1000, 'late'), 7);
  await assert.rejects(withTimeout(Promise.reject(new Error('own')), 1000, 'late'), /own/);
  await assert.rejects(withTimeout(sleep(1000), 5, 'the guest did not answer', 'look at the console'), {
    code: 'deadline-exceeded',
    message: 'the guest did not answer',
    hint: 'look at the console',
  });
});

test('the clocks tell nanoseconds, and the steady one never goes back', () => {
  assert.ok(Math.abs(Number(wallClockNs() / 1_000_000n) - Date.now()) < 1000);
  let last = monotonicNs();
  for (let i = 0; i < 100; i++) {
    const now = monotonicNs();
    assert.ok(now >= last);
    last = now;
  }
  assert.ok(bootTimeNs() >= monotonicNs() - 1_000_000_000n);
});
