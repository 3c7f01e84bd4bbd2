import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mountsBelow, parseMountInfo } from './mountinfo.ts';

const TEXT = String.raw`22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:26 / /a rw,nosuid shared:7 master:3 - tmpfs tmpfs rw,size=64k
31 30 0:27 /sub\040dir /a/b\040c\134d rw - fuse.sshfs me@host:/x rw
32 30 0:28 / /a/b rw - proc proc rw
33 30 0:29 / /a rw - tmpfs over rw
34 22 0:30 / /ab ro - tmpfs  rw
`;

test('a mount with spaces and backslashes in its path is read as it is', () => {
  assert.deepEqual(parseMountInfo(TEXT)[2], {
    mountId: 31,
    parentId: 30,
    device: '0:27',
    root: '/sub dir',
    mountPoint: '/a/b c\\d',
    options: ['rw'],
    propagation: [],
    type: 'fuse.sshfs',
    source: 'me@host:/x',
    superOptions: ['rw'],
  });
});

test('propagation fields and an empty source are read', () => {
  const mounts = parseMountInfo(TEXT);
  assert.deepEqual(mounts[1]?.propagation, ['shared:7', 'master:3']);
  assert.equal(mounts[5]?.source, '');
  assert.deepEqual(mounts[5]?.superOptions, ['rw']);
});

test('mounts below a folder come deepest first, the top of a pile before what it covers, neighbours left out', () => {
  const ids = (path: string) => mountsBelow(parseMountInfo(TEXT), path).map(({ mountId }) => mountId);
  assert.deepEqual(ids('/a'), [32, 31, 33, 30]);
  assert.deepEqual(ids('/a/'), [32, 31, 33, 30]);
  assert.deepEqual(ids('/ab'), [34]);
  assert.deepEqual(ids('/nothing'), []);
  assert.equal(ids('/').length, 6);
  assert.equal(ids('/').at(-1), 22);
});

test('a line that is cut is an error that shows it', () => {
  assert.throws(() => parseMountInfo('22 1 254:0 / / rw,relatime'), /found "22 1 254:0/);
});
