import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkMountInfo } from './mount-info.ts';

const block = { 'volume-type': 'block', device: '/dev/sdb', fstype: 'ext4' };

test('what upstream writes is read', () => {
  assert.deepEqual(checkMountInfo({ ...block, metadata: null, options: null }), {
    device: '/dev/sdb',
    fsType: 'ext4',
    options: [],
    fsGroup: null,
    driverOptions: [],
  });
  const metadata = { fsGroup: '1000', fsGroupChangePolicy: 'OnRootMismatch', encryptionKey: 'ephemeral' };
  const full = checkMountInfo({ ...block, metadata, options: ['noatime'] });
  assert.deepEqual(full.options, ['noatime']);
  assert.deepEqual(full.fsGroup, { id: 1000, always: false });
  assert.deepEqual(full.driverOptions, ['encryption_key=ephemeral']);
  assert.deepEqual(checkMountInfo({ ...block, metadata: { fsGroup: '0' } }).fsGroup, { id: 0, always: true });
});

for (const [field, value] of [
  ['volume-type', 'spdkvol'],
  ['device', 'sdb'],
  ['fstype', 'ext4,evil'],
  ['options', 'ro'],
  ['metadata', { fsGroup: 'root' }],
] as const)
  test(`a ${field} that is none is refused by its name`, () => {
    assert.throws(() => checkMountInfo({ ...block, [field]: value }), new RegExp(field));
  });
