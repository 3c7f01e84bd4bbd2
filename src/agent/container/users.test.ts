import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveUser } from './users.ts';

const files = {
  passwd: () =>
    'root:x:0:0:root:/root:/bin/sh\nbroken\nann:x:1000:1001:Ann:/home/ann:/bin/sh\nodd:x:-1:5::/:\n7:x:77:77::/seven:\n',
  group: () => 'root:x:0:\nwheel:x:10:root,ann\nbad:x:y:ann\naudio:x:29:bob,ann\n',
};
const user = (uid: number, username = '') => ({ uid, gid: uid, additionalGids: [5], username, umask: undefined });
const named = (uid: string, gid = '', additionalGids: string[] = []) => ({ uid, gid, additionalGids });

test('numbers hold as they are, and the files are read only when the home is needed', () => {
  const untouchable = { passwd: () => assert.fail('read'), group: () => assert.fail('read') };
  assert.deepEqual(resolveUser(user(3), undefined, false, untouchable), { uid: 3, gid: 3, groups: [5], home: '' });
  assert.deepEqual(resolveUser(undefined, undefined, true, files), { uid: 0, gid: 0, groups: [], home: '/root' });
  assert.equal(resolveUser(user(4242), undefined, true, files).home, '/');
});

test('a user by name gets its group, its memberships and its home', () => {
  assert.deepEqual(resolveUser(undefined, named('ann'), false, files), {
    uid: 1000,
    gid: 1001,
    groups: [10, 29],
    home: '/home/ann',
  });
  assert.deepEqual(resolveUser(user(0, 'ann:audio'), undefined, false, files).groups, [5]);
  assert.equal(resolveUser(user(0, 'ann:audio'), undefined, false, files).gid, 29);
});

test('a name that is a number is a name first', () => {
  assert.equal(resolveUser(undefined, named('7'), false, files).uid, 77);
  assert.equal(resolveUser(undefined, named('1000'), false, files).gid, 1001);
  assert.deepEqual(resolveUser(undefined, named('12', '34', ['wheel']), false, files), {
    uid: 12,
    gid: 34,
    groups: [10],
    home: '',
  });
});

test('what the image does not know is named', () => {
  assert.throws(() => resolveUser(undefined, named('bob'), false, files), /the user "bob" is expected/);
  assert.throws(() => resolveUser(undefined, named('odd'), false, files), /the user "odd" is expected/);
  assert.throws(() => resolveUser(undefined, named('ann', 'bad'), false, files), /the group "bad" is expected/);
  assert.throws(() => resolveUser(undefined, named('4294967295'), false, files), /the user "4294967295"/);
});
