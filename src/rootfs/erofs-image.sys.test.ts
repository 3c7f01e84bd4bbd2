import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { syscall } from 'sys';
import { makeDirectories, makeTemporaryDirectory, removeTree } from '../os/directory.ts';
import { check } from '../os/errno.ts';
import { AT_FDCWD, close, O } from '../os/fd.ts';
import { chmod, chown, makeNode, symlink, writeFile } from '../os/file.ts';
import { MS, mount, umount } from '../os/mount.ts';
import { runChecked } from '../os/process.ts';
import { S, stat } from '../os/stat.ts';
import { utf8Decode } from '../os/utf8.ts';
import { NR } from '../syscall/numbers.ts';
import { makeErofsImage } from './erofs-image.ts';
import type { Tree } from './tree.ts';

/** Everything that is to be the same: names, types, modes, owners, times, contents, targets, device numbers. */
const LIST = `cd "$1" && export LC_ALL=C && {
find . \\( -type d -printf '%p|%y|%m|%U|%G|%T@\\n' \\) -o -printf '%p|%y|%m|%U|%G|%n|%s|%T@|%l\\n'
find . -type f -exec sha256sum {} +
find . \\( -type c -o -type b \\) -exec stat -c '%n %t %T' {} +
} | sort`;
const list = (folder: string): Promise<string> => runChecked(['sh', '-c', LIST, 'sh', folder]);

const setXattr = (path: string, name: string, value: Uint8Array): void => {
  check(syscall(NR.lsetxattr, path, name, value, value.length, 0), `set ${name}`);
};
const getXattr = (path: string, name: string): string => {
  const value = new Uint8Array(256);
  const length = check(syscall(NR.lgetxattr, path, name, value, value.length), `get ${name}`);
  return utf8Decode(value.subarray(0, length));
};
/** struct vfs_cap_data, version 2: CAP_NET_BIND_SERVICE, effective. */
const CAPABILITY = new Uint8Array([1, 0, 0, 2, 0, 4, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

const scene = (t: { after(body: () => unknown): void }): string => {
  const folder = makeTemporaryDirectory('/tmp/kata-erofs-test-');
  t.after(() => removeTree(folder));
  for (const name of ['source', 'mount', 'seen']) makeDirectories(`${folder}/${name}`);
  return folder;
};

/** What a guest's kernel sees: the image mounted by this kernel. */
async function asSeen<T>(folder: string, look: (seen: string) => Promise<T>): Promise<T> {
  await runChecked(['mount', '-t', 'erofs', '-o', 'ro,loop', `${folder}/image`, `${folder}/seen`]);
  try {
    return await look(`${folder}/seen`);
  } finally {
    umount(`${folder}/seen`);
  }
}

async function make(folder: string, tree: Tree): Promise<void> {
  writeFile(`${folder}/image`, '');
  await makeErofsImage(tree, `${folder}/image`, `${folder}/mount`);
}

describe('an EROFS image', () => {
  test('holds what its folder holds, whatever that is', async (t) => {
    const folder = scene(t);
    const source = `${folder}/source`;
    writeFile(`${source}/a name\nof two lines`, 'x');
    writeFile(`${source}/-rf`, 'no option');
    writeFile(`${source}/äöü ✓`, 'utf-8');
    const raw = new Uint8Array([...`${source}/`].map((c) => c.charCodeAt(0)).concat([0xff, 0xfe, 0]));
    close(check(syscall(NR.openat, AT_FDCWD, raw, O.CREAT | O.WRONLY, 0o600), 'make a file of raw bytes'));
    symlink('/', `${source}/root`);
    symlink('../../../../etc/shadow', `${source}/shadow`);
    symlink('x'.repeat(4000), `${source}/long link`);
    makeNode(`${source}/null`, S.IFCHR | 0o666, 1, 3);
    makeNode(`${source}/disk`, S.IFBLK | 0o600, 4000, 70_000);
    makeNode(`${source}/fifo`, S.IFIFO | 0o644);
    makeNode(`${source}/socket`, S.IFSOCK | 0o644);
    writeFile(`${source}/setuid`, '#!/bin/sh\nid\n');
    chown(`${source}/setuid`, 0, 12_345);
    chmod(`${source}/setuid`, 0o6755);
    check(syscall(NR.linkat, AT_FDCWD, `${source}/setuid`, AT_FDCWD, `${source}/setuid too`, 0), 'link');
    setXattr(`${source}/setuid`, 'security.capability', CAPABILITY);
    setXattr(source, 'trusted.mark', new Uint8Array([0x68, 0x69]));
    makeDirectories(`${source}/sticky/empty`);
    chmod(`${source}/sticky`, 0o1777);
    chown(`${source}/sticky/empty`, 4_000_000_000, 4_000_000_001);
    writeFile(`${source}/big`, new Uint8Array(3_000_001).fill(7));
    await runChecked(['touch', '-d', '2001-02-03 04:05:06.123456789', `${source}/setuid`]);
    await runChecked(['touch', '-d', '1960-01-01', `${source}/sticky`]);
    // As deep as a path can be.
    await runChecked(['mkdir', '-p', source + '/d'.repeat(1900)]);

    await make(folder, { kind: 'bind', source });
    await asSeen(folder, async (seen) => {
      assert.equal(await list(seen), await list(source));
      assert.equal(getXattr(`${seen}/setuid`, 'security.capability'), utf8Decode(CAPABILITY));
      assert.equal(getXattr(seen, 'trusted.mark'), 'hi');
      assert.equal(stat(`${seen}/setuid`).inode, stat(`${seen}/setuid too`).inode);
    });
  });

  test('of a file with holes is as small as what is in it', async (t) => {
    const folder = scene(t);
    const path = `${folder}/source/sparse`;
    writeFile(path, 'start');
    check(syscall(NR.truncate, path, 64 * 2 ** 20), 'make a hole');
    await make(folder, { kind: 'bind', source: `${folder}/source` });
    assert.ok(stat(`${folder}/image`).sizeBytes < 2 ** 20);
    await asSeen(folder, async (seen) => assert.equal(await list(seen), await list(`${folder}/source`)));
  });

  test('of layers shows what an overlay of them shows, and leaves no mount', async (t) => {
    const folder = scene(t);
    const layer = (name: string): string => `${folder}/source/${name}`;
    for (const name of ['bottom/kept', 'bottom/replaced', 'top/new', 'top/replaced']) makeDirectories(layer(name));
    for (const name of ['bottom/gone', 'bottom/both', 'top/both', 'bottom/replaced/old', 'top/replaced/new'])
      writeFile(layer(name), name);
    makeNode(layer('top/gone'), S.IFCHR, 0, 0);
    setXattr(layer('top/replaced'), 'trusted.overlay.opaque', new Uint8Array([0x79]));
    const before = await runChecked(['cat', '/proc/self/mountinfo']);
    await make(folder, { kind: 'overlay', lowers: [layer('top'), layer('bottom')], reading: [] });
    assert.equal(await runChecked(['cat', '/proc/self/mountinfo']), before);
    mount('overlay', `${folder}/mount`, 'overlay', MS.RDONLY, `lowerdir=${layer('top')}:${layer('bottom')}`);
    t.after(() => umount(`${folder}/mount`));
    await asSeen(folder, async (seen) => assert.equal(await list(seen), await list(`${folder}/mount`)));

    umount(`${folder}/mount`);
    await make(folder, { kind: 'overlay', lowers: [layer('top')], reading: [] });
    await asSeen(folder, async (seen) => {
      const names = await runChecked(['ls', seen]);
      assert.equal(names, 'both\nnew\nreplaced\n', "the layer's whiteout is not a device");
    });
    mount('none', `${folder}/mount`, 'tmpfs');
  });

  test('of a folder is not an image of what is mounted in it', async (t) => {
    const folder = scene(t);
    makeDirectories(`${folder}/source/inner`);
    mount('none', `${folder}/source/inner`, 'tmpfs');
    t.after(() => umount(`${folder}/source/inner`));
    writeFile(`${folder}/source/inner/secret`, 'x');
    await make(folder, { kind: 'bind', source: `${folder}/source` });
    await asSeen(folder, async (seen) => assert.equal(await runChecked(['ls', `${seen}/inner`]), ''));
  });

  test('that does not fit on the disk is refused in words that say so', async (t) => {
    const folder = scene(t);
    makeDirectories(`${folder}/small`);
    mount('none', `${folder}/small`, 'tmpfs', 0, 'size=1m');
    t.after(() => umount(`${folder}/small`));
    writeFile(`${folder}/source/big`, new Uint8Array(2 << 20).fill(1));
    writeFile(`${folder}/small/image`, '');
    const making = makeErofsImage(
      { kind: 'bind', source: `${folder}/source` },
      `${folder}/small/image`,
      `${folder}/mount`,
    );
    await assert.rejects(making, {
      code: 'resource-exhausted',
      errno: 'ENOSPC',
      message: /about 3 MiB are needed, 1 MiB are free/,
    });
    // Almost enough: what mkfs.erofs needs besides the files is seen only while it writes.
    writeFile(`${folder}/source/big`, new Uint8Array((1 << 20) - 32_768).fill(1));
    for (let i = 100; i < 300; i++) writeFile(`${folder}/source/${i}${'n'.repeat(250)}`, '');
    const closely = makeErofsImage(
      { kind: 'bind', source: `${folder}/source` },
      `${folder}/small/image`,
      `${folder}/mount`,
    );
    await assert.rejects(closely, { code: 'resource-exhausted', message: /no room for the image.*mkfs.erofs said/ });
  });

  test('of what is not there is an error and nothing else', async (t) => {
    const folder = scene(t);
    await assert.rejects(make(folder, { kind: 'bind', source: `${folder}/nowhere` }), { errno: 'ENOENT' });
    await assert.rejects(make(folder, { kind: 'mount', type: 'nosuchfs', source: 'x', data: '' }), { errno: 'ENODEV' });
  });
});
