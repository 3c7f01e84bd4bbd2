import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UNLIMITED } from './parse-control-file.ts';
import { cgroupStats } from './stats.ts';

const FILES: Record<string, string> = {
  'cpu.stat': 'usage_usec 30\nuser_usec 10\nsystem_usec 20\nnr_periods 4\nnr_throttled 2\nthrottled_usec 7\n',
  'memory.stat': 'anon 1\nfile 4096\nkernel 8192\n',
  'memory.current': '123\n',
  'memory.peak': '456\n',
  'memory.max': '1000\n',
  'memory.swap.current': '5\n',
  'memory.swap.max': 'max\n',
  'memory.events': 'low 0\nhigh 0\nmax 9\noom 1\noom_kill 1\n',
  'pids.current': '3\n',
  'pids.max': 'max\n',
  'io.stat': '8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n254:16 \n',
  'hugetlb.2MB.current': '2097152\n',
  'hugetlb.2MB.events': 'max 6\n',
};
const stats = cgroupStats((file) => FILES[file] ?? null, ['2MB']);

test('CPU time is told in nanoseconds', () => {
  assert.deepEqual(stats.cpuStats, {
    cpuUsage: { totalUsage: 30_000n, percpuUsage: [], usageInKernelmode: 20_000n, usageInUsermode: 10_000n },
    throttlingData: { periods: 4n, throttledPeriods: 2n, throttledTime: 7000n },
  });
});

test('memory is told with its peak, its limit and every line of the kernel', () => {
  const { cache, usage, swapUsage, stats: lines } = stats.memoryStats!;
  assert.equal(cache, 4096n);
  assert.deepEqual(usage, { usage: 123n, maxUsage: 456n, failcnt: 9n, limit: 1000n });
  assert.deepEqual(swapUsage, { usage: 5n, maxUsage: 0n, failcnt: 0n, limit: UNLIMITED });
  assert.deepEqual(lines, { anon: 1n, file: 4096n, kernel: 8192n });
});

test('processes, devices and huge pages are counted', () => {
  assert.deepEqual(stats.pidsStats, { current: 3n, limit: 0n });
  assert.deepEqual(stats.blkioStats!.ioServiceBytesRecursive, [
    { major: 8n, minor: 0n, op: 'read', value: 10n },
    { major: 8n, minor: 0n, op: 'write', value: 20n },
    { major: 8n, minor: 0n, op: 'discard', value: 0n },
  ]);
  assert.equal(stats.blkioStats!.ioServicedRecursive.length, 3);
  assert.deepEqual(stats.hugetlbStats, { '2MB': { usage: 2097152n, maxUsage: 0n, failcnt: 6n } });
});

test('a cgroup without any controller has stats of zeros', () => {
  const none = cgroupStats(() => null, []);
  assert.equal(none.cpuStats!.cpuUsage!.totalUsage, 0n);
  assert.equal(none.memoryStats!.usage!.usage, 0n);
});
