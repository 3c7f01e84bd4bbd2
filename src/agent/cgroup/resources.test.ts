import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LinuxCPU, LinuxMemory, LinuxResources } from '../../protocols/gen/oci.ts';
import { cgroupWrites, splitCpuQuota } from './resources.ts';
import { cpuWeight, ioWeight } from './weights.ts';

const NOTHING: LinuxResources = {
  devices: [],
  memory: undefined,
  cpu: undefined,
  pids: undefined,
  blockIO: undefined,
  hugepageLimits: [],
  network: undefined,
  unified: {},
};
const CPU: LinuxCPU = {
  shares: 0n,
  quota: 0n,
  period: 0n,
  realtimeRuntime: 0n,
  realtimePeriod: 0n,
  cpus: '',
  mems: '',
};
const MEMORY: LinuxMemory = {
  limit: 0n,
  reservation: 0n,
  swap: 0n,
  kernel: 0n,
  kernelTCP: 0n,
  swappiness: 0n,
  disableOOMKiller: false,
};

/** `file=value`, in the order of the writes. */
const writes = (resources: Partial<LinuxResources>): string[] =>
  cgroupWrites({ ...NOTHING, ...resources }).map(({ file, value }) => `${file}=${value}`);

test('no limits mean no writes', () => {
  assert.deepEqual(writes({}), []);
  assert.deepEqual(writes({ cpu: CPU, memory: MEMORY }), []);
});

test('CPU time is a quota of a period, shares are a weight, sets are copied', () => {
  const cpu = { ...CPU, quota: 50_000n, period: 200_000n, shares: 1024n, cpus: '0-1', mems: '0' };
  assert.deepEqual(writes({ cpu }), ['cpuset.cpus=0-1', 'cpuset.mems=0', 'cpu.weight=100', 'cpu.max=50000 200000']);
  assert.deepEqual(writes({ cpu: { ...CPU, quota: 50_000n } }), ['cpu.max=50000 100000']);
  assert.deepEqual(writes({ cpu: { ...CPU, period: 1000n } }), ['cpu.max=max 1000']);
  assert.deepEqual(writes({ cpu: { ...CPU, quota: -1n } }), ['cpu.max=max 100000']);
});

test('the quota of CPU time is set apart from all else', () => {
  const cpu = { ...CPU, quota: 5n, period: 10n, shares: 1024n };
  const [early, late] = splitCpuQuota({ ...NOTHING, cpu, pids: { limit: 1n } });
  assert.deepEqual(writes(early), ['cpu.weight=100', 'pids.max=1']);
  assert.deepEqual(writes(late), ['cpu.max=5 10']);
  assert.deepEqual(splitCpuQuota(NOTHING).map(writes), [[], []]);
});

test('the swap limit of the spec includes memory, that of the kernel does not', () => {
  const memory = { ...MEMORY, limit: 100n, swap: 150n, reservation: 50n };
  assert.deepEqual(writes({ memory }), ['memory.swap.max=50', 'memory.max=100', 'memory.low=50']);
  assert.deepEqual(writes({ memory: { ...MEMORY, limit: 100n, swap: 100n } }), ['memory.swap.max=0', 'memory.max=100']);
  assert.deepEqual(writes({ memory: { ...MEMORY, limit: 100n, swap: -1n } }), [
    'memory.swap.max=max',
    'memory.max=100',
  ]);
  assert.deepEqual(writes({ memory: { ...MEMORY, limit: -1n } }), ['memory.swap.max=max', 'memory.max=max']);
  assert.deepEqual(writes({ memory: { ...MEMORY, limit: 100n } }), ['memory.max=100']);
});

test('a swap limit that makes no sense is refused', () => {
  assert.throws(() => writes({ memory: { ...MEMORY, swap: 5n } }), { code: 'invalid-argument' });
  assert.throws(() => writes({ memory: { ...MEMORY, limit: 10n, swap: 5n } }), /at least the memory limit 10/);
});

test('pids, huge pages and named files are written; -1 is no limit', () => {
  assert.deepEqual(writes({ pids: { limit: 12n } }), ['pids.max=12']);
  assert.deepEqual(writes({ pids: { limit: -1n } }), ['pids.max=max']);
  assert.deepEqual(writes({ hugepageLimits: [{ pageSize: '2MB', limit: 4096n }] }), [
    'hugetlb.2MB.max=4096',
    'hugetlb.2MB.rsvd.max=4096',
  ]);
  assert.ok(cgroupWrites({ ...NOTHING, hugepageLimits: [{ pageSize: '1GB', limit: 0n }] }).every((w) => w.optional));
  assert.deepEqual(writes({ unified: { 'memory.high': '1G' } }), ['memory.high=1G']);
  assert.throws(() => writes({ unified: { '../memory.max': '1' } }), { code: 'invalid-argument' });
});

test('input and output have weights and rates by device', () => {
  const device = { major: 8n, minor: 0n };
  const blockIO = {
    weight: 500,
    leafWeight: 0,
    weightDevice: [{ ...device, weight: 10, leafWeight: 0 }],
    throttleReadBpsDevice: [{ ...device, rate: 1n }],
    throttleWriteBpsDevice: [{ ...device, rate: 2n }],
    throttleReadIOPSDevice: [{ ...device, rate: 3n }],
    throttleWriteIOPSDevice: [{ ...device, rate: 0n }],
  };
  assert.deepEqual(writes({ blockIO }), [
    'io.weight=default 4950',
    'io.weight=8:0 1',
    'io.max=8:0 rbps=1',
    'io.max=8:0 wbps=2',
    'io.max=8:0 riops=3',
    'io.max=8:0 wiops=max',
  ]);
  assert.deepEqual(cgroupWrites({ ...NOTHING, blockIO })[0]!.preferred, {
    file: 'io.bfq.weight',
    value: 'default 500',
  });
});

test('weights keep their ends and their middle', () => {
  assert.deepEqual([2, 1024, 262144].map(cpuWeight), [1, 100, 10000]);
  assert.ok(cpuWeight(512) < 100 && cpuWeight(2048) > 100);
  assert.deepEqual([10, 1000].map(ioWeight), [1, 10000]);
});
