// What a container of the guest may use and may do, on the guest's own cgroup v2, seen from inside the container.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { MessageType } from '../../src/protocols/codec.ts';
import type { CreateContainerRequest } from '../../src/protocols/gen/agent.ts';
import { LinuxBlockIO, LinuxCPU, LinuxMemory, LinuxResources, LinuxSeccomp } from '../../src/protocols/gen/oci.ts';
import { AgentVm } from '../harness/agent-vm.ts';
import { busyboxImage, containerRequest, exec, readAll } from '../harness/guest-container.ts';

const options = { timeout: 60_000 };
const CGROUP_MOUNT = { destination: '/sys/fs/cgroup', source: 'cgroup', type: 'cgroup', options: ['ro', 'nosuid'] };

let folder: string;
let vm: AgentVm;

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'kata-ts-limits-'));
  vm = await AgentVm.boot({ vcpus: '2' });
  await vm.agent.createSandbox({
    hostname: 'limits',
    dns: [],
    storages: [],
    sandboxPidns: false,
    sandboxId: 'limits',
    guestHookPath: '',
    kernelModules: [],
  });
  await vm.plugDisk(busyboxImage(folder), 1);
});
after(async () => {
  await vm?.close();
  rmSync(folder, { recursive: true, force: true });
});

function message<T>(type: MessageType<T>, fields: Partial<T>): T {
  return { ...type.decode(new Uint8Array()), ...fields };
}

let count = 0;

/** Starts a container that waits, with changes to its request; gives its id, and takes it away afterwards. */
async function withContainer(
  change: (request: CreateContainerRequest) => void,
  body: (id: string) => Promise<void>,
  args = ['sleep', '10000'],
): Promise<void> {
  const id = `limits${++count}`;
  const request = containerRequest(id, args, { mounts: [CGROUP_MOUNT] });
  change(request);
  await vm.agent.createContainer(request);
  try {
    await vm.agent.startContainer({ containerId: id });
    await body(id);
  } finally {
    await vm.agent.removeContainer({ containerId: id, timeout: 0 });
  }
}

const limits = (request: CreateContainerRequest, fields: Partial<LinuxResources>): void => {
  request.OCI!.linux!.resources = message(LinuxResources, fields);
};

/** Values of the container's own control files, as it sees them. */
async function controls(id: string, ...files: string[]): Promise<string[]> {
  const paths = files.map((file) => `/sys/fs/cgroup/${file}`);
  const { stdout, stderr } = await exec(vm, id, `read${++count}`, ['cat', ...paths]);
  assert.equal(stderr, '');
  return stdout.trim().split('\n');
}

test('every kind of limit stands in the cgroup before the program runs, and changes by an update', options, () =>
  withContainer(
    (request) =>
      limits(request, {
        cpu: message(LinuxCPU, { shares: 512n, quota: 50_000n, period: 200_000n, cpus: '0' }),
        memory: message(LinuxMemory, { limit: 64n << 20n, reservation: 16n << 20n }),
        pids: { limit: 77n },
        unified: { 'memory.high': '60000000' },
      }),
    async (id) => {
      const files = ['cpu.weight', 'cpu.max', 'cpuset.cpus', 'memory.max', 'memory.low', 'memory.high', 'pids.max'];
      assert.deepEqual(await controls(id, ...files), [
        '59',
        '50000 200000',
        '0',
        `${64 << 20}`,
        `${16 << 20}`,
        '59998208',
        '77',
      ]);
      const resources = message(LinuxResources, {
        cpu: message(LinuxCPU, { shares: 1024n, quota: -1n, period: 100_000n, cpus: '0-1' }),
        memory: message(LinuxMemory, { limit: 128n << 20n }),
        pids: { limit: -1n },
      });
      await vm.agent.updateContainer({ containerId: id, resources });
      assert.deepEqual(await controls(id, ...files), [
        '100',
        'max 100000',
        '0-1',
        `${128 << 20}`,
        `${16 << 20}`,
        '59998208',
        'max',
      ]);
    },
  ),
);

test('rates of a disk stand in the cgroup', options, () =>
  withContainer(
    (request) => {
      const disk = { major: 8n, minor: 0n };
      limits(request, {
        blockIO: message(LinuxBlockIO, {
          throttleReadBpsDevice: [{ ...disk, rate: 1n << 20n }],
          throttleWriteIOPSDevice: [{ ...disk, rate: 100n }],
        }),
      });
    },
    async (id) => assert.deepEqual(await controls(id, 'io.max'), ['8:0 rbps=1048576 wbps=max riops=max wiops=100']),
  ),
);

test('a limit of processes holds', options, () =>
  withContainer(
    (request) => limits(request, { pids: { limit: 3n } }),
    async (id) => {
      const { stderr } = await exec(vm, id, 'fork', ['sh', '-c', 'sleep 5 & sleep 5 & sleep 5 & sleep 5']);
      assert.match(stderr, /can't fork|Resource temporarily unavailable/);
    },
  ),
);

test('a limit that this guest has no controller for is named', options, async () => {
  const request = containerRequest('nohugetlb', ['true']);
  limits(request, { unified: { 'nosuch.max': '1' } });
  await assert.rejects(vm.agent.createContainer(request), /the limit nosuch.max = 1 needs a file that this guest's/);
  await vm.agent.createContainer(containerRequest('nohugetlb', ['true']));
  await vm.agent.removeContainer({ containerId: 'nohugetlb', timeout: 0 });
});

test('a small share of processor time holds a container back only once it is set up', options, async () => {
  const containerId = 'slow';
  const request = containerRequest(containerId, ['sh', '-c', 'while :; do :; done']);
  limits(request, { cpu: message(LinuxCPU, { quota: 1000n, period: 100_000n }) });
  await vm.agent.createContainer(request);
  const throttled = async (): Promise<bigint> => {
    const { cgroupStats } = await vm.agent.statsContainer({ containerId });
    return cgroupStats!.cpuStats!.throttlingData!.throttledPeriods;
  };
  assert.equal(await throttled(), 0n);
  await vm.agent.startContainer({ containerId });
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.ok((await throttled()) > 0n);
  await vm.agent.removeContainer({ containerId, timeout: 0 });
});

test('huge pages of every size of the host may be limited', options, () =>
  withContainer(
    (request) =>
      limits(request, { hugepageLimits: ['2MB', '1GB', '64GB'].map((pageSize) => ({ pageSize, limit: 0n })) }),
    async (id) => assert.deepEqual(await controls(id, 'hugetlb.2MB.max'), ['0']),
  ),
);

test('stats tell processor time, memory with its limit, and processes', options, () =>
  withContainer(
    (request) => limits(request, { memory: message(LinuxMemory, { limit: 64n << 20n }), pids: { limit: 50n } }),
    async (id) => {
      await exec(vm, id, 'work', ['sh', '-c', 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done']);
      const { cgroupStats } = await vm.agent.statsContainer({ containerId: id });
      const { cpuStats, memoryStats, pidsStats } = cgroupStats!;
      assert.ok(cpuStats!.cpuUsage!.totalUsage > 10_000_000n, `${cpuStats!.cpuUsage!.totalUsage} ns`);
      assert.equal(memoryStats!.usage!.limit, 64n << 20n);
      assert.ok(memoryStats!.usage!.usage > 0n && memoryStats!.usage!.maxUsage >= memoryStats!.usage!.usage);
      assert.ok((memoryStats!.stats.anon ?? 0n) > 0n);
      assert.deepEqual(pidsStats, { current: 1n, limit: 50n });
    },
  ),
);

test('the kernel ends the process that wants too much, not its container', options, () =>
  withContainer(
    (request) => limits(request, { memory: message(LinuxMemory, { limit: 32n << 20n, swap: 32n << 20n }) }),
    async (id) => {
      const event = vm.agent.getOOMEvent({});
      const { status } = await exec(vm, id, 'hog', ['sh', '-c', 'dd if=/dev/zero of=/dev/null bs=100M count=1']);
      assert.equal(status, 137);
      assert.equal((await event).containerId, id);
      assert.equal((await exec(vm, id, 'after', ['echo', 'alive'])).stdout, 'alive\n');
    },
  ),
);

test('a container is in the root of its own cgroup namespace and cannot write its limits', options, () =>
  withContainer(
    (request) => limits(request, { memory: message(LinuxMemory, { limit: 64n << 20n }) }),
    async (id) => {
      const line = 'cat /proc/self/cgroup; echo max > /sys/fs/cgroup/memory.max';
      const { stdout, stderr } = await exec(vm, id, 'look', ['sh', '-c', line]);
      assert.equal(stdout, '0::/\n');
      assert.match(stderr, /Read-only file system/);
    },
  ),
);

test('a filter denies a system call in the first process and in every other', options, () =>
  withContainer(
    (request) => {
      request.OCI!.linux!.seccomp = message(LinuxSeccomp, {
        defaultAction: 'SCMP_ACT_ALLOW',
        architectures: ['SCMP_ARCH_X86_64'],
        syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 99, args: [] }],
      });
    },
    async (id) => {
      assert.match(await readAll(vm, id, id, 'readStderr'), /Cannot assign requested address/);
      const { stderr } = await exec(vm, id, 'mkdir', ['mkdir', '/tmp/b']);
      assert.match(stderr, /Cannot assign requested address/);
    },
    ['sh', '-c', 'mkdir /tmp/a; exec >/dev/null 2>&1; sleep 10000'],
  ),
);
