import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate, interpret } from '../../os/cgroup/device-interpreter.test-helper.ts';
import { deviceProgram, INSTRUCTION_SIZE } from '../../os/cgroup/device-program.ts';
import { ACCESS, ALL_ACCESS, DEVICE_TYPE } from '../../os/cgroup/device-rule.ts';
import type { LinuxDevice, LinuxDeviceCgroup } from '../../protocols/gen/oci.ts';
import { effectiveDeviceRules } from './device-rules.ts';

const { CHARACTER, BLOCK } = DEVICE_TYPE;
const { READ, WRITE, MKNOD } = ACCESS;

const rule = (allow: boolean, type: string, major: number, minor: number, access = 'rwm'): LinuxDeviceCgroup => ({
  allow,
  type,
  major: BigInt(major),
  minor: BigInt(minor),
  access,
});
const DENY_ALL = rule(false, 'a', -1, -1);
const ALLOW_ALL = rule(true, 'a', -1, -1);

const device = (type: string, major: number, minor: number): LinuxDevice => ({
  path: '/dev/given',
  type,
  major: BigInt(major),
  minor: BigInt(minor),
  fileMode: 0,
  uid: 0,
  gid: 0,
});

/** Whether a container with these rules may do `access`. */
function may(rules: LinuxDeviceCgroup[], devices: LinuxDevice[], wanted: [number, number, number, number]): boolean {
  const effective = effectiveDeviceRules(rules, devices);
  assert.ok(effective !== null, 'there is no filter');
  const [type, major, minor, access] = wanted;
  return evaluate(effective, { type, major, minor, access });
}

test('a container without rules, and a privileged one, have no filter', () => {
  assert.equal(effectiveDeviceRules([], []), null);
  assert.equal(effectiveDeviceRules([ALLOW_ALL], []), null);
  assert.equal(effectiveDeviceRules([DENY_ALL, ALLOW_ALL, rule(true, 'b', 8, 0)], [device('b', 8, 0)]), null);
  assert.notEqual(effectiveDeviceRules([ALLOW_ALL, rule(false, 'b', -1, -1, 'w')], []), null);
});

test('every container has the usual devices and may make nodes of any, and no more', () => {
  for (const [major, minor] of [
    [1, 3],
    [1, 5],
    [1, 7],
    [1, 8],
    [1, 9],
    [5, 0],
    [5, 2],
    [136, 0],
    [136, 77],
    [10, 200],
  ])
    assert.ok(may([DENY_ALL], [], [CHARACTER, major!, minor!, ALL_ACCESS]), `${major}:${minor}`);
  for (const [type, major, minor] of [
    [BLOCK, 8, 0],
    [BLOCK, 1, 3],
    [CHARACTER, 1, 11],
    [CHARACTER, 1, 1],
    [CHARACTER, 5, 1],
  ])
    for (const access of [READ, WRITE, READ | WRITE, READ | MKNOD]) {
      assert.ok(!may([DENY_ALL], [], [type!, major!, minor!, access]), `${type} ${major}:${minor}`);
      assert.ok(may([DENY_ALL], [], [type!, major!, minor!, MKNOD]));
    }
});

test('rules that come before one for all devices mean nothing', () => {
  assert.ok(!may([rule(true, 'b', 8, 0), DENY_ALL], [], [BLOCK, 8, 0, READ]));
});

test('a given device may be used, unless rules say how', () => {
  assert.ok(may([DENY_ALL], [device('c', 10, 229)], [CHARACTER, 10, 229, READ | WRITE]));
  assert.ok(may([DENY_ALL], [device('u', 10, 229)], [CHARACTER, 10, 229, READ | WRITE]));
  assert.ok(may([DENY_ALL], [device('b', 8, 16)], [BLOCK, 8, 16, READ | WRITE]));
  assert.ok(!may([DENY_ALL], [device('b', 8, 16)], [BLOCK, 8, 0, READ]));
  assert.ok(!may([DENY_ALL], [device('p', 0, 0)], [CHARACTER, 0, 0, READ]));
  const readOnly = [DENY_ALL, rule(true, 'b', 8, 16, 'r')];
  assert.ok(may(readOnly, [device('b', 8, 16)], [BLOCK, 8, 16, READ]));
  assert.ok(!may(readOnly, [device('b', 8, 16)], [BLOCK, 8, 16, READ | WRITE]));
  assert.ok(!may([DENY_ALL, rule(false, 'c', 10, 229)], [device('c', 10, 229)], [CHARACTER, 10, 229, READ]));
  const nodesOnly = [DENY_ALL, rule(true, 'c', -1, -1, 'm')];
  assert.ok(may(nodesOnly, [device('c', 10, 229)], [CHARACTER, 10, 229, READ]));
});

test('what later rules repeat is left out', () => {
  const usual = [rule(true, 'c', 1, 3), rule(true, 'c', 1, 3), rule(true, 'c', 136, -1)];
  assert.deepEqual(effectiveDeviceRules([DENY_ALL, ...usual], []), effectiveDeviceRules([DENY_ALL], []));
});

test('the filter of an ordinary container is short', () => {
  const program = deviceProgram(effectiveDeviceRules([DENY_ALL], [])!);
  assert.ok(program.length / INSTRUCTION_SIZE <= 65, `${program.length / INSTRUCTION_SIZE} instructions`);
  const null_ = { type: 2, major: 1, minor: 3, access: ALL_ACCESS };
  assert.deepEqual(interpret(program, null_), { allows: true, steps: 10 });
});
