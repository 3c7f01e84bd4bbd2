import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate } from '../../os/cgroup/device-interpreter.test-helper.ts';
import { ACCESS, DEVICE_TYPE } from '../../os/cgroup/device-rule.ts';
import { allowDevice, deviceLine, hostDeviceRules, toDeviceRules } from './host-device-rules.ts';

const DENY_ALL = { allow: false, access: 'rwm' };
const { BLOCK, CHARACTER } = DEVICE_TYPE;
const may = (rules: ReturnType<typeof hostDeviceRules>, type: number, major: number, minor: number) =>
  evaluate(toDeviceRules(rules), { type, major, minor, access: ACCESS.READ | ACCESS.WRITE });

test("a pod's devices are its spec's, and what its VM needs", () => {
  const spec = [DENY_ALL, { allow: true, type: 'c', major: 1, minor: 5, access: 'rwm' }];
  const rules = hostDeviceRules(spec, [allowDevice('c', 10, 232)], false);
  assert.deepEqual(rules.map(deviceLine), [
    ...['a *:* rwm', 'c 1:5 rwm', 'c *:* m', 'b *:* m', 'c 136:* rwm', 'c 10:200 rwm', 'c 1:3 rwm', 'c 1:9 rwm'],
    'c 10:232 rwm',
  ]);
  assert.deepEqual(
    rules.map(({ allow }) => allow),
    [false, ...Array.from({ length: 8 }, () => true)],
  );
  assert.ok(may(rules, CHARACTER, 10, 232) && may(rules, CHARACTER, 1, 5) && may(rules, CHARACTER, 136, 4));
  assert.ok(!may(rules, BLOCK, 8, 0) && !may(rules, CHARACTER, 1, 1) && !may(rules, CHARACTER, 5, 2));
  assert.ok(may(hostDeviceRules([DENY_ALL], [], true), CHARACTER, 5, 2));
});

test('a spec that denies nothing is not filtered', () => {
  assert.deepEqual(hostDeviceRules([], [], false), []);
  assert.deepEqual(hostDeviceRules([DENY_ALL, { allow: true, type: 'a', access: 'rwm' }], [], false), []);
  assert.deepEqual(hostDeviceRules([{ allow: true, type: 'c', major: 1, minor: 3 }], [], false), []);
});

test('a spec that denies one device allows the others', () => {
  const rules = hostDeviceRules([{ allow: false, type: 'b', major: 8, minor: -1 }], [], false);
  assert.equal(rules.length, 7);
  assert.ok(!may(rules, BLOCK, 8, 3) && may(rules, BLOCK, 9, 3));
});
