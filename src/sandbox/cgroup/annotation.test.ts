import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSandboxCgroupOnly } from './annotation.ts';

const KEY = 'io.katacontainers.config.runtime.sandbox_cgroup_only';

test('the annotation is stronger than the configuration', () => {
  assert.equal(isSandboxCgroupOnly(true), true);
  assert.equal(isSandboxCgroupOnly(false, {}), false);
  assert.equal(isSandboxCgroupOnly(false, { [KEY]: 'true' }), true);
  assert.equal(isSandboxCgroupOnly(true, { [KEY]: '0' }), false);
});

test('an annotation that is no boolean is refused', () => {
  for (const value of ['', 'yes', 'toString'])
    assert.throws(() => isSandboxCgroupOnly(true, { [KEY]: value }), /expected true or false, found/, value);
});
