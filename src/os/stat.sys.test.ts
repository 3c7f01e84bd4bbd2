import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeTemporaryDirectory, removeTree } from './directory.ts';
import { close, O, open } from './fd.ts';
import { symlink, writeFile } from './file.ts';
import { MS, mount, umount } from './mount.ts';
import { runChecked } from './process.ts';
import { fstat, isType, lstat, lstatIfExists, S, stat, statfs } from './stat.ts';
import { wallClockNs } from './timer.ts';

test('a file is told as stat(1) tells it', async () => {
  const folder = makeTemporaryDirectory('/tmp/kata-stat-test-');
  const path = `${folder}/f`;
  writeFile(path, 'x'.repeat(5000), 0o640);
  await runChecked(['touch', '-d', '@1000000000', path]);
  const told = (await runChecked(['stat', '-c', '%i %s %b %u %g %h %a %Y %d', path])).trim().split(' ');
  const seen = stat(path);
  const [major, minor] = seen.device.split(':').map(Number) as [number, number];
  const mine = [
    seen.inode,
    seen.sizeBytes,
    seen.blocks,
    seen.uid,
    seen.gid,
    seen.links,
    (seen.mode & 0o7777).toString(8),
  ];
  assert.deepEqual([...mine, seen.modifiedNs / 1_000_000_000n, (major << 8) | minor].map(String), told);
  const ageNs = wallClockNs() - seen.changedNs;
  assert.ok(ageNs >= -20_000_000n && ageNs < 60_000_000_000n, String(ageNs));
  removeTree(folder);
});

test('a link is followed or looked at itself, and a descriptor is its file', () => {
  const folder = makeTemporaryDirectory('/tmp/kata-stat-test-');
  writeFile(`${folder}/f`, '');
  symlink('f', `${folder}/link`);
  symlink('nothing', `${folder}/dangling`);
  assert.ok(isType(lstat(`${folder}/link`), S.IFLNK));
  assert.equal(stat(`${folder}/link`).inode, lstat(`${folder}/f`).inode);
  const fd = open(`${folder}/link`, O.RDONLY);
  assert.equal(fstat(fd).inode, lstat(`${folder}/f`).inode);
  close(fd);
  assert.throws(() => stat(`${folder}/dangling`), { errno: 'ENOENT', message: /look at .*dangling/ });
  assert.ok(lstatIfExists(`${folder}/dangling`));
  assert.equal(lstatIfExists(`${folder}/nothing`), null);
  assert.equal(lstatIfExists(`${folder}/f/below`), null);
  removeTree(folder);
});

test('the use of a file system is told in bytes', () => {
  const folder = makeTemporaryDirectory('/tmp/kata-stat-test-');
  mount('tmpfs', folder, 'tmpfs', MS.NOSUID, 'size=1m,nr_inodes=10');
  writeFile(`${folder}/f`, new Uint8Array(8192));
  assert.deepEqual(statfs(folder), {
    type: 0x01021994,
    noExec: false,
    totalBytes: 1048576,
    freeBytes: 1048576 - 8192,
    availableBytes: 1048576 - 8192,
    totalInodes: 10,
    freeInodes: 8,
  });
  umount(folder);
  mount('tmpfs', folder, 'tmpfs', MS.NOEXEC);
  assert.equal(statfs(folder).noExec, true);
  umount(folder);
  removeTree(folder);
});
