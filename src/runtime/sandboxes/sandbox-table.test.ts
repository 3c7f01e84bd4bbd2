import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SandboxRecord } from '../../sandbox/sandbox-record.ts';
import type { Sandbox } from './read-sandboxes.ts';
import { formatReport } from './sandbox-report.ts';
import { formatSandboxes, sandboxToJson } from './sandbox-table.ts';

const MIB = 2 ** 20;
const process = (pid: number, mib: number) => ({ pid, running: mib > 0, memoryBytes: mib * MIB });
const record: SandboxRecord = {
  version: 1,
  sandboxId: 'a'.repeat(64),
  kind: 'pod',
  namespace: 'k8s.io',
  socket: '/run/containerd/s/1',
  podName: 'web',
  podNamespace: 'prod',
  createdAtMs: 1000,
  configPath: '/c.toml',
  vcpus: 1,
  memoryMib: 2048,
  debugConsole: true,
  containers: [{ id: 'b'.repeat(64), name: 'main', image: 'nginx', bundle: '/b' }],
};
const running: Sandbox = {
  id: record.sandboxId,
  status: 'running',
  name: 'prod/web',
  shim: process(10, 4),
  vmm: process(11, 60),
  record,
};

test('sandboxes are listed with what a person knows them by and what they take', () => {
  const starting: Sandbox = { ...running, id: 'c1', status: 'starting', name: '', vmm: null, record: null };
  const broken: Sandbox = { ...running, id: 'd1', status: 'broken', shim: process(12, 0) };
  assert.equal(
    formatSandboxes([running, starting, broken], 181_000),
    [
      'SANDBOX ID     NAME       NAMESPACE   CONTAINERS   VM   MEMORY     STATE',
      'aaaaaaaaaaaa   prod/web   k8s.io      1            11   64.0 MiB   Up 3 minutes',
      'c1             -          -           0            -    4.0 MiB    Starting',
      'd1             prod/web   k8s.io      1            11   60.0 MiB   Broken: its shim ended',
      '',
    ].join('\n'),
  );
});

test('a program gets all that is known', () => {
  const json = sandboxToJson(running);
  assert.deepEqual(
    [json.id, json.status, json.createdAt, json.memoryBytes, json.podName, json.debugConsole],
    [record.sandboxId, 'running', '1970-01-01T00:00:01.000Z', 64 * MIB, 'web', true],
  );
  assert.deepEqual(json.containers, record.containers);
  assert.deepEqual(sandboxToJson({ ...running, record: null }).containers, []);
});

test('a report tells of processes, size, console and containers', () => {
  const text = formatReport(running, [{ ...record.containers[0]!, status: 'running', pid: 42 }], 181_000);
  for (const line of [
    /^state +Up 3 minutes$/m,
    /^VM +process 11, 60\.0 MiB of the host's memory, 1 processor and 2048 MiB at its start$/m,
    /^debug console +on: kata-runtime exec aaaaaaaaaaaa$/m,
    /^bbbbbbbbbbbb +main +nginx +running +42$/m,
  ])
    assert.match(text, line);
  const off = formatReport({ ...running, record: { ...record, debugConsole: false } }, [], 0);
  assert.match(off, /^debug console +off \(debug_console_enabled in \[agent\.kata\]\)$/m);
});
