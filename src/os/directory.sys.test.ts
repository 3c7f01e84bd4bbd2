import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { syscall } from 'sys';
import { NR } from '../syscall/numbers.ts';
import {
  listDirectory,
  listDirectoryIfExists,
  makeDirectories,
  makeDirectory,
  makeTemporaryDirectory,
  readEntries,
  removeDirectory,
  removeTree,
} from './directory.ts';
import { check } from './errno.ts';
import { AT_FDCWD, close, O, open } from './fd.ts';
import { exists, symlink, writeFile } from './file.ts';
import { mount, umount } from './mount.ts';
import { lstat } from './stat.ts';

let folder = '';
before(() => {
  folder = makeTemporaryDirectory('/tmp/kata-directory-test-');
});
after(() => removeTree(folder));

test('directories are made with those above them, and again is fine', () => {
  makeDirectories(`${folder}/a/b/c/`, 0o700);
  makeDirectories(`${folder}/a/b/c`);
  assert.equal(lstat(`${folder}/a/b/c`).mode & 0o777, 0o700);
  assert.equal(makeDirectory(`${folder}/a/d`), true);
  assert.equal(makeDirectory(`${folder}/a/d`), false);
  assert.deepEqual(listDirectory(`${folder}/a`), ['b', 'd']);
  makeDirectories('/');
});

test('a directory that cannot be made is named', () => {
  writeFile(`${folder}/file`, '');
  assert.throws(() => makeDirectories(`${folder}/file/x/y`), {
    errno: 'ENOTDIR',
    message: /make the directory .*\/file\/x/,
  });
  assert.throws(() => makeDirectory(`${folder}/nothing/x`), { errno: 'ENOENT' });
});

test('temporary directories are private and never the same', () => {
  const [one, two] = [makeTemporaryDirectory(`${folder}/t-`), makeTemporaryDirectory(`${folder}/t-`)];
  assert.notEqual(one, two);
  assert.equal(lstat(one).mode & 0o777, 0o700);
  assert.equal(removeDirectory(one), true);
  assert.equal(removeDirectory(one), false);
});

test('a directory of thousands is listed whole', () => {
  makeDirectory(`${folder}/many`);
  const names = Array.from({ length: 3000 }, (_, i) => `a-file-with-a-rather-long-name-${String(i).padStart(4, '0')}`);
  for (const name of names) writeFile(`${folder}/many/${name}`, '');
  assert.deepEqual(listDirectory(`${folder}/many`), names);
  removeTree(`${folder}/many`);
  assert.equal(exists(`${folder}/many`), false);
  assert.deepEqual(listDirectoryIfExists(`${folder}/many`), []);
  assert.throws(() => listDirectory(`${folder}/many`), { errno: 'ENOENT' });
});

test('names that are not UTF-8 are removed as well', () => {
  makeDirectory(`${folder}/odd`);
  const raw = new Uint8Array([...Array.from(`${folder}/odd/x`, (c) => c.charCodeAt(0)), 0xff, 0xfe, 0]);
  check(syscall(NR.mkdirat, AT_FDCWD, raw, 0o755), 'make an odd name');
  const fd = open(`${folder}/odd`, O.RDONLY | O.DIRECTORY);
  assert.deepEqual(
    readEntries(fd, 'odd').map(({ rawName }) => rawName),
    [Uint8Array.of(0x78, 0xff, 0xfe, 0)],
  );
  close(fd);
  removeTree(`${folder}/odd`);
  assert.equal(exists(`${folder}/odd`), false);
});

test('a tree that is deeper than any stack is removed', () => {
  const deep = `${folder}/deep`;
  makeDirectory(deep);
  // Two branches, each longer than a path may be.
  for (const branch of ['one', 'two']) {
    let fd = open(deep, O.RDONLY | O.DIRECTORY);
    for (let depth = 0; depth < 3000; depth++) {
      const name = depth === 0 ? branch : 'd';
      check(syscall(NR.mkdirat, fd, name, 0o755), 'go deeper');
      const next = check(syscall(NR.openat, fd, name, O.RDONLY | O.DIRECTORY | O.CLOEXEC, 0), 'open it');
      close(fd);
      fd = next;
    }
    close(fd);
  }
  removeTree(deep);
  assert.equal(exists(deep), false);
});

test('removing a tree takes links and not what they lead to, and a file or nothing is fine', () => {
  makeDirectories(`${folder}/kept`);
  writeFile(`${folder}/kept/file`, '');
  makeDirectories(`${folder}/tree/x/y`);
  symlink('../../kept', `${folder}/tree/x/link`);
  symlink('/nothing/at/all', `${folder}/tree/dangling`);
  removeTree(`${folder}/tree`);
  assert.equal(exists(`${folder}/tree`), false);
  assert.equal(exists(`${folder}/kept/file`), true);
  symlink('kept', `${folder}/link`);
  removeTree(`${folder}/link`);
  removeTree(`${folder}/kept/file`);
  removeTree(`${folder}/kept/file`);
  removeTree(`${folder}/kept/file/below`);
  assert.deepEqual(listDirectory(`${folder}/kept`), []);
});

test('a tree with something mounted in it is not emptied below the mount', () => {
  makeDirectories(`${folder}/holder/inner/mounted`);
  mount('tmpfs', `${folder}/holder/inner/mounted`, 'tmpfs');
  writeFile(`${folder}/holder/inner/mounted/kept`, '');
  assert.throws(() => removeTree(`${folder}/holder`), { errno: 'EBUSY', hint: /umount .*inner\/mounted/ });
  assert.ok(exists(`${folder}/holder/inner/mounted/kept`));
  umount(`${folder}/holder/inner/mounted`);
  const before = listDirectory('/proc/self/fd').length;
  removeTree(`${folder}/holder`);
  assert.equal(listDirectory('/proc/self/fd').length, before);
});
