import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KataError } from '../errors/kata-error.ts';
import { MOUNT_ATTR, MS } from '../os/mount-flags.ts';
import { parseMountOptions } from './mount-options.ts';

test("containerd's tmpfs for /dev is flags for the kernel and data for tmpfs", () => {
  const { flags, data, bind } = parseMountOptions(['nosuid', 'strictatime', 'mode=755', 'size=65536k']);
  assert.equal(flags, MS.NOSUID | MS.STRICTATIME);
  assert.equal(data, 'mode=755,size=65536k');
  assert.equal(bind, false);
});

test('a read-only bind mount that its source may propagate to', () => {
  const options = parseMountOptions(['rbind', 'rslave', 'ro', 'nosuid', 'noexec']);
  assert.equal(options.bind, true);
  assert.equal(options.recursive, true);
  assert.deepEqual(options.propagation, [MS.SLAVE | MS.REC]);
  assert.deepEqual(options.attributes, {
    set: MOUNT_ATTR.RDONLY | MOUNT_ATTR.NOSUID | MOUNT_ATTR.NOEXEC,
    clear: 0,
    recursiveSet: 0,
    recursiveClear: 0,
  });
  assert.equal(options.data, '');
});

test('a later option wins over an earlier one', () => {
  const { flags, clearFlags, attributes } = parseMountOptions(['ro', 'noexec', 'rw', 'exec', 'noexec']);
  assert.equal(flags, MS.NOEXEC);
  assert.equal(clearFlags, MS.RDONLY);
  assert.equal(attributes.set, MOUNT_ATTR.NOEXEC);
  assert.equal(attributes.clear, MOUNT_ATTR.RDONLY);
});

test('rro and its kind are for every mount below', () => {
  const { attributes, flags, data } = parseMountOptions(['rbind', 'rro', 'rnosuid', 'rnoatime', 'rdev', 'rexec']);
  assert.equal(attributes.recursiveSet, MOUNT_ATTR.RDONLY | MOUNT_ATTR.NOSUID | MOUNT_ATTR.NOATIME);
  assert.equal(attributes.recursiveClear, MOUNT_ATTR.ATIME | MOUNT_ATTR.NODEV | MOUNT_ATTR.NOEXEC);
  assert.equal(attributes.set, 0);
  assert.equal(flags, 0);
  assert.equal(data, '');
});

test('the access time is cleared whenever it is set, as mount_setattr(2) demands', () => {
  for (const options of [['noatime'], ['strictatime', 'noatime'], ['atime', 'noatime']]) {
    const { attributes } = parseMountOptions(options);
    assert.equal(attributes.set, MOUNT_ATTR.NOATIME, options.join());
    assert.equal(attributes.clear, MOUNT_ATTR.ATIME, options.join());
  }
  const { attributes } = parseMountOptions(['noatime', 'relatime']);
  assert.equal(attributes.set, 0);
  assert.equal(attributes.clear, MOUNT_ATTR.ATIME);
});

test('propagation keeps its order, and words for user space are dropped', () => {
  const { propagation, data } = parseMountOptions(['slave', 'shared', 'nofail', 'x-systemd.automount', 'defaults', '']);
  assert.deepEqual(propagation, [MS.SLAVE, MS.SHARED]);
  assert.equal(data, '');
});

test('options of file systems that look like ours stay theirs', () => {
  assert.equal(
    parseMountOptions(['relative', 'constructor', 'rmode=1', 'uid=0']).data,
    'relative,constructor,rmode=1,uid=0',
  );
});

test('tmpcopyup is told, idmap is refused', () => {
  assert.equal(parseMountOptions(['tmpcopyup']).copyUp, true);
  for (const option of ['idmap', 'ridmap'])
    assert.throws(
      () => parseMountOptions(['bind', option]),
      (error) => error instanceof KataError && error.code === 'unimplemented' && error.message.includes(option),
    );
});
