import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inChild } from '../../test/harness/in-child.ts';
import { makeDirectories, makeTemporaryDirectory, removeTree } from './directory.ts';
import { isErrno } from './errno.ts';
import { close, O, open } from './fd.ts';
import { exists, readText, symlink, writeFile } from './file.ts';
import {
  bindMount,
  MOUNT_ATTR,
  MS,
  mount,
  mountSetattr,
  moveMount,
  openTree,
  pivotRoot,
  setPropagation,
  umount,
} from './mount.ts';
import { CLONE, unshare } from './namespace.ts';
import { isMountPoint, listMounts, unmountAll } from './unmount.ts';

function withFolder(body: (folder: string) => void): void {
  const folder = makeTemporaryDirectory('/tmp/kata-mount-test-');
  try {
    body(folder);
  } finally {
    assert.deepEqual(unmountAll(folder, { lazy: true }), []);
    removeTree(folder);
  }
}

test('a tmpfs is mounted, seen as a mount point and unmounted', () =>
  withFolder((folder) => {
    assert.equal(isMountPoint(folder), false);
    mount('tmpfs', folder, 'tmpfs', MS.NOSUID | MS.NODEV, 'size=64k');
    assert.equal(isMountPoint(folder), true);
    const mine = listMounts().find(({ mountPoint }) => mountPoint === folder);
    assert.equal(mine?.type, 'tmpfs');
    assert.ok(
      mine.options.includes('nosuid') && mine.options.includes('nodev') && mine.superOptions.includes('size=64k'),
    );
    umount(folder);
    assert.equal(isMountPoint(folder), false);
    assert.equal(isMountPoint(`${folder}/nothing`), false);
  }));

test('mount options longer than the kernel reads are refused instead of cut', () =>
  withFolder((folder) => {
    assert.throws(() => mount('tmpfs', folder, 'tmpfs', 0, 'x'.repeat(4096)), /at most 4095 bytes .* found 4096/);
  }));

test('a mount that fails says what was to be mounted where', () => {
  assert.throws(() => mount('tmpfs', '/tmp/kata-no-such-folder', 'tmpfs'), {
    code: 'not-found',
    errno: 'ENOENT',
    message: 'mount tmpfs tmpfs on /tmp/kata-no-such-folder: ENOENT',
  });
});

test('a recursive read-only bind is read-only in the mounts below as well', () =>
  withFolder((folder) => {
    makeDirectories(`${folder}/source`);
    makeDirectories(`${folder}/target`);
    mount('tmpfs', `${folder}/source`, 'tmpfs');
    makeDirectories(`${folder}/source/inner`);
    mount('tmpfs', `${folder}/source/inner`, 'tmpfs');
    bindMount(`${folder}/source`, `${folder}/target`, { recursive: true, readOnly: true });
    for (const place of ['target', 'target/inner'])
      assert.throws(
        () => writeFile(`${folder}/${place}/x`, ''),
        (error) => isErrno(error, 'EROFS'),
      );
    writeFile(`${folder}/source/inner/x`, 'seen');
    assert.equal(readText(`${folder}/target/inner/x`), 'seen');
  }));

test('a bind that is not recursive leaves out what is mounted below', () =>
  withFolder((folder) => {
    makeDirectories(`${folder}/source/inner`);
    makeDirectories(`${folder}/target`);
    mount('tmpfs', `${folder}/source/inner`, 'tmpfs');
    writeFile(`${folder}/source/inner/x`, '');
    bindMount(`${folder}/source`, `${folder}/target`);
    assert.equal(exists(`${folder}/target/inner/x`), false);
  }));

test('a file is bound over a file, and a target that is a symlink is not followed', () =>
  withFolder((folder) => {
    writeFile(`${folder}/source`, 'new');
    writeFile(`${folder}/target`, 'old');
    symlink('target', `${folder}/link`);
    assert.equal(readText(`${folder}/link`), 'old');
    bindMount(`${folder}/source`, `${folder}/link`);
    assert.equal(readText(`${folder}/target`), 'old');
    umount(`${folder}/link`);
    bindMount(`${folder}/source`, `${folder}/target`);
    assert.equal(readText(`${folder}/target`), 'new');
  }));

test('a copied mount changes its attributes alone and is attached by descriptors', () =>
  withFolder((folder) => {
    makeDirectories(`${folder}/source`);
    makeDirectories(`${folder}/target`);
    mount('tmpfs', `${folder}/source`, 'tmpfs');
    const source = open(`${folder}/source`, O.PATH);
    const target = open(`${folder}/target`, O.PATH);
    const tree = openTree(source);
    mountSetattr(tree, { set: MOUNT_ATTR.NOEXEC | MOUNT_ATTR.NOATIME, clear: MOUNT_ATTR.ATIME });
    moveMount(tree, target);
    for (const fd of [source, target, tree]) close(fd);
    const options = (name: string) =>
      listMounts().find(({ mountPoint }) => mountPoint === `${folder}/${name}`)?.options;
    assert.deepEqual(options('target'), ['rw', 'noexec', 'noatime']);
    assert.deepEqual(options('source'), ['rw', 'relatime']);
    mountSetattr(`${folder}/target`, { clear: MOUNT_ATTR.NOEXEC });
    assert.deepEqual(options('target'), ['rw', 'noatime']);
  }));

test('all mounts at and below a folder go at once, piled and covered ones too, and again is fine', () =>
  withFolder((folder) => {
    makeDirectories(`${folder}/a/b`);
    for (const name of ['a', 'a']) mount('tmpfs', `${folder}/${name}`, 'tmpfs');
    makeDirectories(`${folder}/a/c d`);
    mount('tmpfs', `${folder}/a/c d`, 'tmpfs');
    // Covers what was just mounted below it.
    mount('tmpfs', `${folder}/a`, 'tmpfs');
    mount('tmpfs', folder, 'tmpfs');
    symlink(folder, `${folder}/around`);
    assert.deepEqual(unmountAll(`${folder}/around/../${folder.split('/').at(-1)}/`), []);
    assert.equal(listMounts().filter(({ mountPoint }) => mountPoint.startsWith(folder)).length, 0);
    assert.deepEqual(unmountAll(folder), []);
    assert.deepEqual(unmountAll(`${folder}/nothing/at/all`), []);
  }));

test('a busy mount is a failure that is named, the others go, and a lazy unmount takes it as well', () =>
  withFolder((folder) => {
    for (const name of ['busy', 'idle']) {
      makeDirectories(`${folder}/${name}`);
      mount('tmpfs', `${folder}/${name}`, 'tmpfs');
    }
    const user = open(`${folder}/busy`, O.RDONLY);
    const failures = unmountAll(folder);
    assert.deepEqual(
      failures.map(({ errno, message }) => [errno, message]),
      [['EBUSY', `unmount ${folder}/busy: EBUSY`]],
    );
    assert.equal(isMountPoint(`${folder}/idle`), false);
    assert.deepEqual(unmountAll(folder, { lazy: true }), []);
    assert.equal(isMountPoint(`${folder}/busy`), false);
    close(user);
  }));

test('after a pivot only the new root is left, and who shared mounts with the old one keeps them', () =>
  withFolder((folder) => {
    for (const name of ['root', 'shared']) makeDirectories(`${folder}/${name}`);
    mount('tmpfs', `${folder}/root`, 'tmpfs');
    writeFile(`${folder}/root/witness`, 'new root');
    makeDirectories(`${folder}/root/proc`);
    mount('tmpfs', `${folder}/shared`, 'tmpfs');
    setPropagation(`${folder}/shared`, MS.SHARED);
    makeDirectories(`${folder}/shared/inner`);
    mount('tmpfs', `${folder}/shared/inner`, 'tmpfs');
    const said = inChild(() => {
      unshare(CLONE.NEWNS);
      pivotRoot(`${folder}/root`);
      mount('proc', '/proc', 'proc');
      return JSON.stringify([readText('/witness'), listMounts().map(({ mountPoint }) => mountPoint), exists('/etc')]);
    });
    assert.deepEqual(JSON.parse(said), ['new root', ['/', '/proc'], false]);
    assert.equal(isMountPoint(`${folder}/shared/inner`), true);
  }));
