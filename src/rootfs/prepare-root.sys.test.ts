import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listDirectory, makeDirectories, makeTemporaryDirectory, removeTree } from '../os/directory.ts';
import { writeFile } from '../os/file.ts';
import { umount } from '../os/mount.ts';
import { runChecked } from '../os/process.ts';
import { stat } from '../os/stat.ts';
import { prepareRoot } from './prepare-root.ts';
import type { RootImage, SnapshotMount } from './root-image.ts';

interface Scene {
  folder: string;
  prepare(...mounts: SnapshotMount[]): Promise<RootImage>;
}

/** Snapshots 1 and 2 are committed layers, 3 and 4 are prepared for a container each. */
function scene(t: { after(body: () => unknown): void }): Scene {
  const folder = makeTemporaryDirectory('/tmp/kata-root-test-');
  t.after(() => removeTree(folder));
  for (const path of ['1/fs/etc', '2/fs/bin', '3/fs', '3/work', '4/fs', '4/work', 'seen', 'bundle/rootfs'])
    makeDirectories(`${folder}/${path}`);
  writeFile(`${folder}/1/fs/etc/passwd`, 'root:x:0:0');
  writeFile(`${folder}/2/fs/bin/sh`, '#!', 0o755);
  return {
    folder,
    prepare: (...mounts) =>
      prepareRoot({
        mounts,
        bundleRoot: `${folder}/bundle/rootfs`,
        cacheDirectory: `${folder}/cache`,
        cacheSizeMib: 0,
      }),
  };
}
const overlay = (folder: string, active: number, lowers: number[]): SnapshotMount => ({
  type: 'overlay',
  source: 'overlay',
  options: [
    'index=off',
    `workdir=${folder}/${active}/work`,
    `upperdir=${folder}/${active}/fs`,
    `lowerdir=${lowers.map((n) => `${folder}/${n}/fs`).join(':')}`,
  ],
});
/** The files in an image, as a kernel sees them. */
async function seen(folder: string, image: RootImage): Promise<string[]> {
  await runChecked(['mount', '-t', image.fsType, '-o', 'ro,loop', image.path, `${folder}/seen`]);
  try {
    return (await runChecked(['find', `${folder}/seen`, '-type', 'f', '-printf', '%P\\n'])).trim().split('\n').sort();
  } finally {
    umount(`${folder}/seen`);
  }
}
const left = (folder: string): string[] => listDirectory(`${folder}/cache`).filter((name) => name !== 'mount');

describe("a container's root", () => {
  test('made of the same layers is one image, for containers that have written nothing', async (t) => {
    const { folder, prepare } = scene(t);
    const first = await prepare(overlay(folder, 3, [2, 1]));
    const second = await prepare(overlay(folder, 4, [2, 1]));
    assert.equal(first.path, second.path);
    assert.deepEqual(await seen(folder, first), ['bin/sh', 'etc/passwd']);
    const other = await prepare(overlay(folder, 4, [1]));
    assert.notEqual(other.path, first.path);
    assert.deepEqual(await seen(folder, other), ['etc/passwd']);
    for (const image of [first, second, other]) image.release();
    const again = await prepare(overlay(folder, 3, [2, 1]));
    assert.equal(again.path, first.path);
    again.release();
  });

  test('made of a store that was wiped and filled again is another image', async (t) => {
    const { folder, prepare } = scene(t);
    const before = await prepare(overlay(folder, 3, [1]));
    before.release();
    removeTree(`${folder}/1`);
    makeDirectories(`${folder}/1/fs`);
    writeFile(`${folder}/1/fs/new`, '');
    const after = await prepare(overlay(folder, 3, [1]));
    assert.notEqual(after.path, before.path);
    assert.deepEqual(await seen(folder, after), ['new']);
    after.release();
    assert.equal(left(folder).filter((name) => name.endsWith('.erofs')).length, 1, 'the stale image is gone');
  });

  test('to which its container has written is an image of its own, gone when released', async (t) => {
    const { folder, prepare } = scene(t);
    writeFile(`${folder}/3/fs/written`, '');
    const image = await prepare(overlay(folder, 3, [2, 1]));
    assert.deepEqual(await seen(folder, image), ['bin/sh', 'etc/passwd', 'written']);
    image.release();
    assert.deepEqual(left(folder), []);
  });

  test('that is a folder, of a snapshot or of the bundle, is an image of its own', async (t) => {
    const { folder, prepare } = scene(t);
    writeFile(`${folder}/bundle/rootfs/init`, '');
    const ofBundle = await prepare();
    assert.deepEqual(await seen(folder, ofBundle), ['init']);
    const ofSnapshot = await prepare({ type: 'bind', source: `${folder}/1/fs`, options: ['rw', 'rbind'] });
    assert.deepEqual(await seen(folder, ofSnapshot), ['etc/passwd']);
    ofBundle.release();
    ofSnapshot.release();
    assert.deepEqual(left(folder), []);
  });

  test('that is an image already is used as it is', async (t) => {
    const { folder, prepare } = scene(t);
    await runChecked(['mkfs.erofs', '--quiet', `${folder}/layer.erofs`, `${folder}/1/fs`]);
    const mount = { type: 'erofs', source: `${folder}/layer.erofs`, options: ['ro', 'loop'] };
    const image = await prepare(mount);
    assert.equal(image.path, mount.source);
    image.release();
    assert.ok(stat(mount.source).sizeBytes > 0);
    await assert.rejects(prepare({ ...mount, source: `${folder}/none.erofs` }), { code: 'not-found' });
    await assert.rejects(prepare({ ...mount, source: folder }), { code: 'not-found', message: /neither a file nor/ });
  });

  test('that is a block device is used as it is', async (t) => {
    const { folder, prepare } = scene(t);
    writeFile(`${folder}/disk`, new Uint8Array(1 << 20));
    const device = (await runChecked(['losetup', '--find', '--show', `${folder}/disk`])).trim();
    t.after(() => runChecked(['losetup', '--detach', device]));
    const image = await prepare({ type: 'ext4', source: device, options: ['discard'] });
    assert.equal(image.path, device);
    assert.equal(image.fsType, 'ext4');
    image.release();
  });

  test('whose folders are missing is an error that names the folder', async (t) => {
    const { folder, prepare } = scene(t);
    await assert.rejects(prepare(overlay(folder, 3, [2, 7])), { code: 'not-found', message: /\/7\/fs/ });
    removeTree(`${folder}/bundle`);
    await assert.rejects(prepare(), { code: 'not-found', message: /bundle\/rootfs/ });
    const file = { type: 'bind', source: `${folder}/1/fs/etc/passwd`, options: [] };
    await assert.rejects(prepare(file), { code: 'invalid-argument' });
  });
});
