import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { inChild } from '../../test/harness/in-child.ts';
import { listDirectory, makeDirectory, makeTemporaryDirectory, removeTree } from './directory.ts';
import { close } from './fd.ts';
import {
  chmod,
  chown,
  exists,
  isExecutable,
  lockFile,
  makeFifo,
  makeNode,
  readFile,
  readlink,
  readText,
  readTextIfExists,
  removeFile,
  rename,
  symlink,
  writeControl,
  writeFile,
  writeFileAtomic,
} from './file.ts';
import { lstat, S } from './stat.ts';

let folder = '';
before(() => {
  folder = makeTemporaryDirectory('/tmp/kata-file-test-');
});
after(() => removeTree(folder));

test('a file is written and read whole, whatever its size and however often', () => {
  const path = `${folder}/whole`;
  for (const size of [0, 1, 65535, 65536, 65537, 300_000]) {
    const content = new Uint8Array(size).map((_, i) => i & 0xff);
    writeFile(path, content);
    assert.deepEqual(readFile(path), content);
  }
  writeFile(path, 'grüße\n', 0o600);
  assert.equal(readText(path), 'grüße\n');
});

test('files of /proc, which tell no size, are read whole, and a bound holds', () => {
  assert.match(readText('/proc/self/status'), /^Name:.*\n(.*\n)+nonvoluntary_ctxt_switches/);
  assert.equal(readFile('/proc/self/status', 5).length, 5);
  assert.equal(readFile('/dev/zero', 100_000).length, 100_000);
});

test('a file that is not there is null where that is expected, and an error elsewhere', () => {
  assert.equal(readTextIfExists(`${folder}/nothing`), null);
  writeFile(`${folder}/plain`, '');
  assert.equal(readTextIfExists(`${folder}/plain/below`), null);
  assert.throws(() => readTextIfExists(folder), { errno: 'EISDIR' });
  assert.throws(() => readText(`${folder}/nothing`), { errno: 'ENOENT' });
  assert.equal(exists(`${folder}/nothing`), false);
  assert.equal(exists(`${folder}/plain`), true);
});

test('a file replaced at once has the new content and mode, and leaves no other file', () => {
  makeDirectory(`${folder}/atomic`);
  const path = `${folder}/atomic/f`;
  writeFileAtomic(path, 'old');
  writeFileAtomic(path, 'new', 0o600);
  assert.equal(readText(path), 'new');
  assert.equal(lstat(path).mode & 0o777, 0o600);
  assert.throws(() => writeFileAtomic(`${folder}/atomic`, 'x'));
  assert.deepEqual(listDirectory(`${folder}/atomic`), ['f']);
  assert.deepEqual(
    listDirectory(folder).filter((name) => name.endsWith('.tmp')),
    [],
  );
});

test('a control file must exist, and what it refuses is in the error', () => {
  assert.throws(() => writeControl(`${folder}/no-control`, '1'), { errno: 'ENOENT' });
  assert.equal(exists(`${folder}/no-control`), false);
  assert.throws(() => writeControl('/proc/self/oom_score_adj', 'much'), {
    errno: 'EINVAL',
    message: 'write "much" to /proc/self/oom_score_adj: EINVAL',
  });
});

test('files are renamed, linked, made executable, given away and removed', () => {
  const path = `${folder}/tool`;
  writeFile(path, '');
  rename(path, `${folder}/renamed`);
  assert.equal(exists(path), false);
  symlink('renamed', `${folder}/link`);
  assert.equal(readlink(`${folder}/link`), 'renamed');
  assert.equal(isExecutable(`${folder}/link`), false);
  chmod(`${folder}/link`, 0o755);
  assert.equal(isExecutable(`${folder}/link`), true);
  chown(`${folder}/renamed`, 1234, 5678);
  const { uid, gid } = lstat(`${folder}/renamed`);
  assert.deepEqual([uid, gid], [1234, 5678]);
  assert.equal(removeFile(`${folder}/link`), true);
  assert.equal(removeFile(`${folder}/link`), false);
  assert.equal(exists(`${folder}/renamed`), true);
  assert.throws(() => removeFile(folder), { errno: 'EISDIR' });
});

test('device numbers of every size are kept', () => {
  for (const [major, minor] of [
    [1, 3],
    [8, 255],
    [8, 256],
    [259, 0],
    [4095, 1048575],
  ] as const) {
    makeNode(`${folder}/node`, S.IFBLK | 0o600, major, minor);
    const { rdevMajor, rdevMinor, mode } = lstat(`${folder}/node`);
    assert.deepEqual([rdevMajor, rdevMinor, mode & S.IFMT], [major, minor, S.IFBLK]);
    removeFile(`${folder}/node`);
  }
});

test('a FIFO that is there already is left as it is', () => {
  makeFifo(`${folder}/fifo`, 0o640);
  makeFifo(`${folder}/fifo`, 0o600);
  assert.equal(lstat(`${folder}/fifo`).mode, S.IFIFO | 0o640);
});

test('a lock keeps others out until it is let go, shared ones keep out the exclusive only', () => {
  const path = `${folder}/lock`;
  const mine = lockFile(path, 'exclusive');
  const others = (kind: 'shared' | 'exclusive') =>
    inChild(() => (lockFile(path, kind, false) === null ? 'kept out' : 'let in'));
  assert.equal(others('shared'), 'kept out');
  close(mine!);
  const shared = lockFile(path, 'shared', false);
  assert.equal(others('shared'), 'let in');
  assert.equal(others('exclusive'), 'kept out');
  close(shared!);
  assert.equal(others('exclusive'), 'let in');
});
