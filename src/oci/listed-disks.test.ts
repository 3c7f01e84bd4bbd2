import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listedDisks } from './listed-disks.ts';
import type { OciDeviceRule, OciSpec } from './spec.ts';

const disk = { path: '/dev/data', type: 'b', major: 8, minor: 16 };
const specWith = (rules: OciDeviceRule[], devices = [disk]): OciSpec => ({
  ociVersion: '1.1.0',
  linux: { devices, resources: { devices: rules } },
});
const denied: OciDeviceRule = { allow: false, access: 'rwm' };
const access = (...rules: OciDeviceRule[]) => listedDisks(specWith(rules))[0]?.access;

test('a disk may be used as the rules say that are for it, the last one first', () => {
  assert.equal(access(), '');
  assert.equal(access(denied), '');
  assert.equal(access(denied, { allow: true, type: 'b', major: 8, minor: 16, access: 'rwm' }), 'rwm');
  assert.equal(access(denied, { allow: true, type: 'b', major: 8, access: 'rm' }), 'rm');
  assert.equal(access(denied, { allow: true, type: 'b', major: 8, minor: 32, access: 'rw' }), '');
  assert.equal(access(denied, { allow: true, type: 'c', major: 8, minor: 16, access: 'rw' }), '');
  assert.equal(access({ allow: true, type: 'b', access: 'rw' }, { allow: false, type: 'b', access: 'w' }), 'r');
});

test('of a privileged container, which lists all that the host has, none is given', () => {
  assert.deepEqual(listedDisks(specWith([{ allow: true, access: 'rwm' }])), []);
});

test('character devices are none', () => {
  const fuse = { path: '/dev/fuse', type: 'c', major: 10, minor: 229 };
  assert.deepEqual(
    listedDisks(specWith([], [fuse, disk])).map(({ device }) => device.path),
    ['/dev/data'],
  );
});
