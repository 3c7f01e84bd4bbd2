import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deviceRulesToAgent } from './device-rules.ts';
import type { OciDeviceRule } from './spec.ts';

/** Rules as sent, one a word: `+c1:3rwm`, any number as `*`. */
const sent = (rules?: OciDeviceRule[]): string =>
  deviceRulesToAgent(rules)
    .map(({ allow, type, major, minor, access }) => {
      const [first, second] = [major, minor].map((number) => (number < 0n ? '*' : `${number}`));
      return `${allow ? '+' : '-'}${type}${first}:${second}${access}`;
    })
    .join(' ');

const DENY_ALL = { allow: false, access: 'rwm' };

test('a spec without rules, or without one for all devices, denies what it does not name', () => {
  assert.equal(sent(), '-a*:*rwm');
  assert.equal(sent([]), '-a*:*rwm');
  assert.equal(sent([{ allow: true, type: 'c', major: 10, minor: 229, access: 'rw' }]), '-a*:*rwm +c10:229rw');
});

test('the rules of containerd and docker go along in their order', () => {
  const rules = [
    DENY_ALL,
    { allow: true, type: 'c', major: 1, minor: 5, access: 'rwm' },
    { allow: true, type: 'c', major: 136, access: 'rwm' },
    { allow: true, type: 'b', major: -1, minor: -1, access: 'm' },
    { allow: false, type: 'c', major: 10, minor: 229, access: 'rwm' },
  ];
  assert.equal(sent(rules), '-a*:*rwm +c1:5rwm +c136:*rwm +b*:*m -c10:229rwm');
});

test('a privileged container is sent one rule, the one that holds', () => {
  assert.equal(sent([DENY_ALL, { allow: true, access: 'rwm' }]), '+a*:*rwm');
  assert.equal(sent([{ allow: true, type: 'a', major: -1, minor: -1, access: 'mrw' }]), '+a*:*mrw');
});

test('a rule for some access to all devices takes back no other rule', () => {
  assert.equal(
    sent([
      { allow: true, access: 'rwm' },
      { allow: false, access: 'w' },
    ]),
    '+a*:*rwm -a*:*w',
  );
});

test("rules for disks of the host, and for devices that it numbers by itself, don't reach the guest", () => {
  const rules = [
    { allow: true, type: 'b', major: 8, minor: 0, access: 'rwm' },
    { allow: true, type: 'b', major: 8, access: 'r' },
    { allow: true, type: 'b', minor: 0, access: 'r' },
    { allow: true, type: 'c', major: 240, minor: 0, access: 'rwm' },
    { allow: true, major: 8, minor: 0, access: 'rwm' },
  ];
  assert.equal(sent(rules), '-a*:*rwm +c8:0rwm');
});
