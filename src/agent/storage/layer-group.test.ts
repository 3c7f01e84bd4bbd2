import assert from 'node:assert/strict';
import test from 'node:test';
import type { Storage } from '../../protocols/gen/agent.ts';
import { isLayer, planLayers } from './layer-group.ts';

function layer(source: string, fstype: string, options: string[], mountPoint = '/root'): Storage {
  return {
    driver: 'scsi',
    driverOptions: [],
    source,
    fstype,
    options: ['X-kata.multi-layer=true', ...options],
    mountPoint,
    fsGroup: undefined,
    shared: false,
  };
}
const lower = (source: string, ...options: string[]) =>
  layer(source, 'erofs', ['ro', 'X-kata.overlay-lower', ...options]);
const upper = (source: string, ...options: string[]) => layer(source, 'ext4', ['X-kata.overlay-upper', ...options]);

test('a writable disk and read-only ones are one root, in the order of the snapshotter', () => {
  const storages = [upper('0:1', 'X-kata.mkdir.path={{ mount 0 }}/upper'), lower('0:2'), lower('0:3')];
  assert.ok(storages.every(isLayer));
  const { target, upper: writable, lowers, folders } = planLayers(storages);
  assert.equal(target, '/root');
  assert.equal(writable?.source, '0:1');
  assert.deepEqual(
    lowers.map(({ storage }) => storage.source),
    ['0:2', '0:3'],
  );
  assert.deepEqual(folders, ['{{ mount 0 }}/upper']);
});

test('without a writable disk the first layer says where the root is', () => {
  const { target, upper: writable } = planLayers([lower('0:2'), layer('0:3', 'erofs', [], '/other')]);
  assert.deepEqual([target, writable], ['/root', undefined]);
});

test('partitions of one disk are layered by their numbers', () => {
  const on = (number: number) => lower('0:2', 'X-kata.gpt-partitioned=true', `X-kata.partition-number=${number}`);
  const { lowers } = planLayers([on(10), on(2), on(1)]);
  assert.deepEqual(
    lowers.map(({ partition }) => partition),
    [1, 2, 10],
  );
});

test('two writable disks, none to read, a writable one that is not ext4 and dm-verity are refused', () => {
  assert.throws(() => planLayers([upper('0:1'), upper('0:2'), lower('0:3')]), /at most one of ext4/);
  assert.throws(() => planLayers([upper('0:1')]), /at least one of erofs, found 1 and 0/);
  assert.throws(
    () => planLayers([layer('0:1', 'xfs', ['X-kata.overlay-upper']), lower('0:3')]),
    /to be ext4, found xfs/,
  );
  assert.throws(() => planLayers([lower('0:1', 'X-kata.gpt-partitioned=true')]), /to name its partition/);
  assert.throws(() => planLayers([lower('0:1', 'X-kata.dmverity.roothash=ab')]), /without dm-verity/);
});
