import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scopeProperties, systemdVersion } from './scope-properties.ts';

const scope = { unit: 'a.scope', slice: 'b.slice', description: 'c', pids: [7] };
const names = (version: number | null) => scopeProperties(scope, version).map(([name]) => name);
const ALWAYS = ['Description', 'Slice', 'PIDs', 'DefaultDependencies'];

test('a systemd gets only properties that it knows', () => {
  assert.deepEqual(names(252), [
    ...ALWAYS,
    ...['Delegate', 'CPUAccounting', 'MemoryAccounting', 'TasksAccounting', 'IOAccounting'],
  ]);
  // Amazon Linux 2 and CentOS 7.
  assert.deepEqual(names(219), [...ALWAYS, ...['Delegate', 'CPUAccounting', 'MemoryAccounting', 'BlockIOAccounting']]);
  assert.deepEqual(names(208), [...ALWAYS, 'CPUAccounting', 'MemoryAccounting', 'BlockIOAccounting']);
  assert.deepEqual(names(null), ALWAYS);
});

test('systemd tells its version in several ways', () => {
  assert.equal(systemdVersion('252.38-1~deb12u1'), 252);
  assert.equal(systemdVersion('systemd 219'), 219);
  assert.equal(systemdVersion('v257.7'), 257);
  assert.equal(systemdVersion('unknown'), null);
});
