import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { listDirectory, makeDirectories, makeTemporaryDirectory, removeTree } from './directory.ts';
import { isErrno } from './errno.ts';
import { close, O, open } from './fd.ts';
import { exists, readlink, readText, readToEnd, symlink, writeFile } from './file.ts';
import { mount, umount } from './mount.ts';
import {
  createFileInRoot,
  makeDirectoriesInRoot,
  openInRoot,
  parentInRoot,
  pathOfFd,
  removeInRoot,
  symlinkInRoot,
} from './resolve.ts';
import { isType, lstat, S, stat } from './stat.ts';
import { utf8Decode } from './utf8.ts';

let base = '';
let root = '';
let rootFd = -1;

before(() => {
  base = makeTemporaryDirectory('/tmp/kata-resolve-test-');
  root = `${base}/root`;
  makeDirectories(`${root}/etc`);
  makeDirectories(`${base}/outside`);
  writeFile(`${base}/outside/secret`, 'secret');
  writeFile(`${root}/etc/passwd`, 'inside');
  writeFile(`${base}/passwd`, 'outside');
  rootFd = open(root, O.PATH | O.DIRECTORY);
});

after(() => {
  close(rootFd);
  removeTree(base);
});

const landed = (fd: number): string => {
  const path = readlink(pathOfFd(fd));
  close(fd);
  return path;
};
const refuses = (action: () => unknown, ...errnos: Parameters<typeof isErrno>[1][]): void =>
  assert.throws(action, (error) => isErrno(error, ...errnos));

test('absolute links, `..` and paths that start at / stay inside the root', () => {
  symlink('/etc/passwd', `${root}/absolute`);
  symlink('../../../../../../etc/passwd', `${root}/climbing`);
  for (const path of ['absolute', 'climbing', '/etc/passwd', '../../etc/passwd', 'etc/../../etc/passwd']) {
    const fd = openInRoot(rootFd, path, O.RDONLY);
    assert.equal(utf8Decode(readToEnd(fd)), 'inside', path);
    close(fd);
  }
});

test("the kernel's magic links are not followed out of the root", () => {
  makeDirectories(`${root}/proc`);
  mount('proc', `${root}/proc`, 'proc');
  try {
    refuses(() => openInRoot(rootFd, 'proc/self/root/etc', O.RDONLY), 'ELOOP');
    refuses(() => openInRoot(rootFd, `proc/self/fd/${rootFd}`, O.RDONLY), 'ELOOP');
    // Read as text the link says `/`: the root it is in.
    assert.equal(landed(makeDirectoriesInRoot(rootFd, 'proc/self/root/etc/made')), `${root}/etc/made`);
  } finally {
    umount(`${root}/proc`);
  }
});

test('a file is created inside the root with its mode', () => {
  close(openInRoot(rootFd, '../../etc/made-here', O.WRONLY | O.CREAT | O.EXCL, 0o640));
  assert.equal(lstat(`${root}/etc/made-here`).mode & 0o777, 0o640);
});

test('missing directories are made where links lead, even links to nothing yet', () => {
  makeDirectories(`${root}/var`);
  symlink('/run', `${root}/var/run`);
  symlink('../../../../outside', `${root}/escape`);
  assert.equal(landed(makeDirectoriesInRoot(rootFd, '/var/run/secrets/token')), `${root}/run/secrets/token`);
  assert.equal(landed(makeDirectoriesInRoot(rootFd, 'escape/x')), `${root}/outside/x`);
  assert.deepEqual(listDirectory(`${base}/outside`), ['secret']);
  assert.equal(landed(makeDirectoriesInRoot(rootFd, '//a/./b/../c/../../../../d/')), `${root}/d`);
  assert.deepEqual(listDirectory(`${root}/a`), ['b', 'c']);
  assert.equal(landed(makeDirectoriesInRoot(rootFd, '/')), root);
  assert.equal(lstat(`${root}/run/secrets`).mode & 0o777, 0o755);
});

test('a circle of links and a file on the way are errors', () => {
  symlink('circle', `${root}/circle`);
  refuses(() => makeDirectoriesInRoot(rootFd, 'circle/x'), 'ELOOP');
  refuses(() => openInRoot(rootFd, 'circle', O.RDONLY), 'ELOOP');
  refuses(() => makeDirectoriesInRoot(rootFd, 'etc/passwd/x'), 'ENOTDIR');
  refuses(() => makeDirectoriesInRoot(rootFd, 'etc/passwd'), 'ENOTDIR');
});

test('a mount target that is a file is made with its folders, an existing one keeps its content', () => {
  symlink('../../new/target', `${root}/to-file`);
  assert.equal(landed(createFileInRoot(rootFd, 'to-file')), `${root}/new/target`);
  assert.ok(isType(lstat(`${root}/new/target`), S.IFREG));
  assert.equal(landed(createFileInRoot(rootFd, '/etc/passwd')), `${root}/etc/passwd`);
  assert.equal(readText(`${root}/etc/passwd`), 'inside');
  refuses(() => createFileInRoot(rootFd, 'etc'), 'EISDIR');
  refuses(() => createFileInRoot(rootFd, '/'), 'EISDIR');
  refuses(() => createFileInRoot(rootFd, 'circle'), 'ELOOP');
});

test('the path of a descriptor takes mount(2) to what was opened, whatever its name leads to by then', () => {
  makeDirectories(`${root}/place`);
  const fd = makeDirectoriesInRoot(rootFd, 'place');
  mount('tmpfs', pathOfFd(fd), 'tmpfs');
  close(fd);
  assert.notEqual(stat(`${root}/place`).device, stat(root).device);
  umount(`${root}/place`);
});

test('a symlink is made in the root and its target is only text', () => {
  symlinkInRoot(rootFd, '../proc/self/mounts', 'fresh/etc/mtab');
  assert.equal(readlink(`${root}/fresh/etc/mtab`), '../proc/self/mounts');
  refuses(() => symlinkInRoot(rootFd, 'x', 'fresh/etc/mtab'), 'EEXIST');
});

test('removal takes the link and not what it leads to, a whole tree, and nothing outside', () => {
  symlink(`${base}/outside`, `${root}/out`);
  symlink('/', `${root}/around`);
  makeDirectories(`${root}/tree/deep/er`);
  writeFile(`${root}/tree/deep/file`, '');
  removeInRoot(rootFd, 'out');
  removeInRoot(rootFd, 'around/around/tree');
  removeInRoot(rootFd, 'no/such/thing');
  removeInRoot(rootFd, '../passwd');
  assert.equal(exists(`${root}/tree`), false);
  assert.deepEqual(listDirectory(`${base}/outside`), ['secret']);
  assert.equal(readText(`${base}/passwd`), 'outside');
  for (const path of ['/', '', 'etc/..', '.'])
    assert.throws(() => removeInRoot(rootFd, path), { code: 'invalid-argument', message: /ends with a name/ });
});

test('a tree with something mounted in it is not removed', () => {
  makeDirectories(`${root}/holder/mounted`);
  mount('tmpfs', `${root}/holder/mounted`, 'tmpfs');
  writeFile(`${root}/holder/mounted/kept`, '');
  refuses(() => removeInRoot(rootFd, 'holder'), 'EBUSY');
  assert.ok(exists(`${root}/holder/mounted/kept`));
  umount(`${root}/holder/mounted`);
});

test('no descriptor is left behind by any of this', () => {
  const open = () => listDirectory('/proc/self/fd').length;
  const before = open();
  const attempt = (action: () => unknown) => {
    try {
      const result = action();
      if (typeof result === 'number') close(result);
    } catch {
      // What fails must not leak either.
    }
  };
  attempt(() => makeDirectoriesInRoot(rootFd, 'p/q/r/s'));
  attempt(() => makeDirectoriesInRoot(rootFd, 'p/../etc/passwd/x'));
  attempt(() => makeDirectoriesInRoot(rootFd, 'p/q/circle'));
  attempt(() => makeDirectoriesInRoot(rootFd, 'absolute/circle'));
  attempt(() => createFileInRoot(rootFd, 'p/q/file'));
  attempt(() => createFileInRoot(rootFd, 'p/q'));
  attempt(() => symlinkInRoot(rootFd, 'x', 'p/q/link'));
  attempt(() => removeInRoot(rootFd, 'p'));
  attempt(() => parentInRoot(rootFd, 'no/such').folderFd);
  assert.equal(open(), before);
});
