import assert from 'node:assert/strict';
import { test } from 'node:test';
import { overlayData, parseOverlayOptions } from './overlay-options.ts';

const SNAPSHOTS = '/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots';

test('the options of containerd 1.6, 1.7 and 2.1 are understood', () => {
  const lowers = [`${SNAPSHOTS}/12/fs`, `${SNAPSHOTS}/3/fs`];
  const work = [`workdir=${SNAPSHOTS}/13/work`, `upperdir=${SNAPSHOTS}/13/fs`];
  for (const extra of [[], ['index=off'], ['index=off', 'volatile', 'X-containerd.whatever=1']])
    assert.deepEqual(parseOverlayOptions([...extra, ...work, `lowerdir=${lowers.join(':')}`]), {
      lowers,
      upper: `${SNAPSHOTS}/13/fs`,
      reading: [],
    });
  assert.deepEqual(parseOverlayOptions(['ro', 'userxattr', 'redirect_dir=follow', 'lowerdir=/a:/b']), {
    lowers: ['/a', '/b'],
    upper: null,
    reading: ['userxattr', 'redirect_dir=follow'],
  });
});

test('a layer whose path holds a colon is one layer', () => {
  assert.deepEqual(parseOverlayOptions(['lowerdir=/a\\:b:/c\\\\d']).lowers, ['/a:b', '/c\\d']);
});

test('layers that are no absolute paths are refused', () => {
  for (const options of [[], ['lowerdir='], ['lowerdir=a:/b'], ['lowerdir=/a::/b'], ['lowerdir=/a', 'upperdir=b']])
    assert.throws(() => parseOverlayOptions(options), { code: 'invalid-argument' });
});

test('128 layers fit into the page that the kernel takes', () => {
  const lowers = Array.from({ length: 128 }, (_, i) => `${SNAPSHOTS}/${10_000 + i}/fs`);
  const { folder, data } = overlayData(lowers, ['userxattr']);
  assert.equal(folder, SNAPSHOTS);
  assert.ok(data.startsWith('userxattr,lowerdir=10000/fs:10001/fs:'));
  assert.ok(data.length < 4096, String(data.length));
});

test('what is written back means the same paths', () => {
  assert.deepEqual(overlayData(['/a:b,c/x', '/a:b,c/y'], []), { folder: '/a:b,c', data: 'lowerdir=x:y' });
  assert.deepEqual(overlayData(['/a:b', '/c,d'], []), { folder: '/', data: 'lowerdir=a\\:b:c\\,d' });
  assert.deepEqual(overlayData(['/s/1/fs', '/s/12/fs'], []), { folder: '/s', data: 'lowerdir=1/fs:12/fs' });
});
