import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wantedByPod, wantedSize } from './wanted-size.ts';

const base = { vcpus: 1, memoryMib: 256 };
const MIB = 2 ** 20;

test('containers without limits want nothing besides', () => {
  const unbounded = { cpu: { quota: -1, period: 100_000 }, memory: { limit: -1 } };
  const kernelsOwn = { memory: { limit: 9223372036854771712n } };
  assert.deepEqual(wantedSize(base, []), base);
  assert.deepEqual(wantedSize(base, [{}, unbounded, kernelsOwn]), base);
});

test('quotas are added up before they are rounded, whatever their fractions', () => {
  const cpu = (quota: number, period?: number) => ({ cpu: { quota, ...(period && { period }) } });
  assert.equal(wantedSize(base, [cpu(50_000)]).vcpus, 2);
  assert.equal(wantedSize(base, [cpu(50_000), cpu(50_000)]).vcpus, 2);
  assert.equal(wantedSize(base, [cpu(20_000, 10_000)]).vcpus, 3);
  assert.equal(wantedSize(base, [cpu(70_000), cpu(10_000), cpu(20_000)]).vcpus, 2);
  assert.equal(wantedSize(base, [cpu(100_001)]).vcpus, 3);
});

test('processors that a container is pinned to count only where there is no quota', () => {
  assert.equal(wantedSize(base, [{ cpu: { cpus: '0-2,7' } }, { cpu: { cpus: '1' } }]).vcpus, 5);
  assert.equal(wantedSize(base, [{ cpu: { cpus: '0-3' } }, { cpu: { quota: 100_000 } }]).vcpus, 2);
  assert.equal(wantedSize(base, [{ cpu: { cpus: 'all,3-1' } }]).vcpus, 1);
});

test('memory and huge pages are added up and rounded to whole MiB', () => {
  const containers = [
    { memory: { limit: 100 * MIB } },
    { memory: { limit: 1n }, hugepageLimits: [{ pageSize: '2MB', limit: 4 * MIB }] },
  ];
  assert.equal(wantedSize(base, containers).memoryMib, 256 + 105);
});

test('what a pod is said to use counts as one container, and nothing said is no size', () => {
  assert.equal(wantedByPod(base, { cpuShares: 2 }), null);
  assert.deepEqual(wantedByPod(base, { cpuQuotaUs: 150_000, cpuPeriodUs: 100_000 }), { vcpus: 3, memoryMib: 256 });
  assert.deepEqual(wantedByPod(base, { memoryBytes: 64 * MIB }), { vcpus: 1, memoryMib: 320 });
});
