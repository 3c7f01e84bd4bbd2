import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Hypervisor, MachineSize } from '../hypervisor/hypervisor.ts';
import type { AgentClient } from './agent-client.ts';
import { GuestSize } from './guest-size.ts';

const MIB = 2 ** 20;
const base = { vcpus: 1, memoryMib: 256 };
const room = { vcpus: 4, memoryMib: 1024 };

/** A VM with so much room, and what was asked of it and of its agent. */
function guest(fixed: MachineSize | null = null) {
  const asked: string[] = [];
  const warnings: string[] = [];
  let failure: Error | undefined;
  const grow = async (size: MachineSize): Promise<MachineSize> => {
    asked.push(`grow ${size.vcpus} ${size.memoryMib}`);
    if (failure !== undefined) throw failure;
    return { vcpus: Math.min(size.vcpus, room.vcpus), memoryMib: Math.min(size.memoryMib, room.memoryMib) };
  };
  const onlineCPUMem = async ({ nbCpus, cpuOnly }: { nbCpus: number; cpuOnly: boolean }) => {
    asked.push(`online ${nbCpus}${cpuOnly ? '' : ' and memory'}`);
  };
  const size = new GuestSize({ base, fixed, warn: (message) => warnings.push(message) });
  const machine = { grow } as Hypervisor;
  const client = { agent: { onlineCPUMem } } as unknown as AgentClient;
  return {
    size,
    warnings,
    failWith(error?: Error) {
      failure = error;
    },
    fit: (id: string, resources: object) => size.fit(id, resources, machine, client),
    asked: () => asked.splice(0).join(', '),
  };
}
const limits = (cpus: number, mib: number) => ({
  cpu: { quota: cpus * 100_000, period: 100_000 },
  memory: { limit: mib * MIB },
});

test('a container without limits asks nothing of the VM', async () => {
  const { fit, asked, size } = guest();
  assert.equal(await fit('a', {}), false);
  assert.equal(asked(), '');
  assert.equal(size.memoryMib, 256);
});

test('the agent takes into use what was plugged in, and only that', async () => {
  const { fit, asked, size } = guest();
  assert.equal(await fit('a', limits(1, 0)), true);
  assert.equal(asked(), 'grow 2 256, online 1');
  await fit('b', limits(1, 128));
  assert.equal(asked(), 'grow 3 384, online 1 and memory');
  assert.equal(size.memoryMib, 384);
});

test('two containers that are made at once get room for both', async () => {
  const { fit, asked, size } = guest();
  await Promise.all([fit('a', limits(1, 100)), fit('b', limits(1, 100))]);
  assert.equal(asked(), 'grow 3 456, online 2 and memory');
  assert.equal(size.memoryMib, 456);
});

test('limits that are changed in part keep their other parts', async () => {
  const { fit, asked } = guest();
  await fit('a', limits(1, 100));
  asked();
  await fit('a', { memory: { limit: 200 * MIB } });
  assert.equal(asked(), 'grow 2 456, online 0 and memory');
});

test('the room of a container that is gone is the next one’s', async () => {
  const { fit, asked, size } = guest();
  await fit('a', limits(2, 100));
  size.forget('a');
  asked();
  await fit('b', limits(2, 100));
  assert.equal(asked(), '');
});

test('what there is no room for is said, once', async () => {
  const { fit, asked, warnings, size } = guest();
  await fit('a', limits(9, 2048));
  assert.equal(asked(), 'grow 10 2304, online 3 and memory');
  assert.match(warnings.join(), /has 4 vCPUs and 1024 MiB where its containers may use 10 vCPUs and 2304 MiB/);
  await fit('a', limits(9, 2048));
  assert.equal(asked(), '');
  assert.equal(warnings.length, 1);
  assert.equal(size.memoryMib, 1024);
});

test('a failure is told, and the next one is not kept from growing', async () => {
  const { fit, asked, failWith, size } = guest();
  failWith(new Error('no'));
  await assert.rejects(fit('a', limits(1, 0)), /no/);
  size.forget('a');
  failWith();
  asked();
  await fit('b', limits(1, 0));
  assert.equal(asked(), 'grow 2 256, online 1');
});

test('a size that is fixed is taken with the first container and holds for all', async () => {
  const { fit, asked } = guest({ vcpus: 2, memoryMib: 512 });
  await fit('a', {});
  assert.equal(asked(), 'grow 2 512, online 1 and memory');
  await fit('b', limits(2, 512));
  assert.equal(asked(), '');
});
