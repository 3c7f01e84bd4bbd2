import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SnapshotMount } from './root-image.ts';
import { planSnapshot } from './snapshot.ts';

const plan = (...mounts: SnapshotMount[]) => planSnapshot(mounts);

test("an overlay's layers are its content, and what its container wrote is looked at", () => {
  const options = ['index=off', 'workdir=/s/3/work', 'upperdir=/s/3/fs', 'lowerdir=/s/2/fs:/s/1/fs'];
  assert.deepEqual(plan({ type: 'overlay', source: 'overlay', options }), {
    kind: 'tree',
    tree: { kind: 'overlay', lowers: ['/s/2/fs', '/s/1/fs'], reading: [] },
    layers: ['/s/2/fs', '/s/1/fs'],
    upper: '/s/3/fs',
  });
});

test('a folder can change, so that no two containers share its image', () => {
  assert.deepEqual(plan({ type: 'bind', source: '/s/1/fs', options: ['rw', 'rbind'] }), {
    kind: 'tree',
    tree: { kind: 'bind', source: '/s/1/fs' },
    layers: null,
    upper: null,
  });
});

test('block devices and files that hold a file system are used as they are', () => {
  const cases: SnapshotMount[] = [
    { type: 'ext4', source: '/dev/mapper/snap-3', options: [] },
    { type: 'xfs', source: '/dev/mapper/snap-3', options: ['nouuid'] },
    { type: 'ext4', source: '/s/3/fs.img', options: ['loop', 'rw'] },
    { type: 'erofs', source: '/s/3/layer.erofs', options: ['ro', 'loop'] },
  ];
  for (const mount of cases) assert.deepEqual(plan(mount), { kind: 'image', path: mount.source, fsType: mount.type });
});

test('of several mounts on the root the last is seen', () => {
  const below: SnapshotMount = { type: 'bind', source: '/below', options: [] };
  assert.deepEqual(plan(below, { type: 'erofs', source: '/x.erofs', options: ['ro'] }), {
    kind: 'image',
    path: '/x.erofs',
    fsType: 'erofs',
  });
});

test('what is not understood is refused by name, and not mounted as something else', () => {
  const strange: SnapshotMount[] = [
    { type: 'fuse.nydus-overlayfs', source: 'overlay', options: ['lowerdir=/a:/b'] },
    { type: 'format/mkdir/overlay', source: 'overlay', options: ['lowerdir={{ overlay 0 2 }}'] },
    { type: 'erofs', source: '/a.erofs', options: ['ro', 'device=/b.erofs'] },
    { type: 'erofs', source: '/a.erofs', options: ['X-containerd.dmverity=/a.json'] },
    { type: 'ext4', source: '/a.img', options: ['loop', 'offset=4096'] },
  ];
  for (const mount of strange)
    assert.throws(
      () => plan(mount),
      (error: { code: string; message: string }) =>
        error.code === 'unimplemented' && error.message.includes(mount.source) && error.message.includes(mount.type),
    );
  assert.throws(() => plan(), { code: 'invalid-argument' });
});
