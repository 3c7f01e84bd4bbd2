import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inChild } from '../../test/harness/in-child.ts';
import { close } from './fd.ts';
import { readText } from './file.ts';
import {
  CLONE,
  enterNamespace,
  inNamespace,
  namespaceIdentity,
  namespacePath,
  newNamespace,
  setns,
  unshare,
} from './namespace.ts';

const interfaces = () =>
  readText('/proc/self/net/dev')
    .split('\n')
    .slice(2)
    .map((line) => line.split(':')[0]!.trim())
    .filter((name) => name !== '');

test('a new namespace has an identity of its own, and this process stays in its old one', () => {
  const before = namespaceIdentity(namespacePath('net'));
  const fd = newNamespace('net');
  assert.equal(namespaceIdentity(namespacePath('net')), before);
  assert.notEqual(namespaceIdentity(fd), before);
  assert.equal(namespaceIdentity(`/proc/self/fd/${fd}`), namespaceIdentity(fd));
  close(fd);
});

test('what is done inside a namespace is seen there, and a failure comes back out', () => {
  const fd = newNamespace('net');
  const home = namespaceIdentity(namespacePath('net'));
  assert.deepEqual(inNamespace(fd, 'net', interfaces), ['lo']);
  assert.deepEqual(inNamespace(`/proc/self/fd/${fd}`, 'net', interfaces), ['lo']);
  assert.throws(
    () =>
      inNamespace(fd, 'net', () => {
        throw new Error('inside');
      }),
    /inside/,
  );
  assert.throws(() => inNamespace(fd, 'net', () => Promise.resolve()), /expected to be synchronous/);
  assert.throws(() => inNamespace(fd, 'uts', () => 0), { errno: 'EINVAL' });
  assert.throws(() => inNamespace('/tmp/kata-no-such-namespace', 'net', () => 0), { errno: 'ENOENT' });
  assert.equal(namespaceIdentity(namespacePath('net')), home);
  close(fd);
});

test('a process moves into a namespace of its own and into one by path', () => {
  const uts = newNamespace('uts');
  const wanted = namespaceIdentity(uts);
  const said = inChild(() => {
    const before = namespaceIdentity(namespacePath('ipc'));
    unshare(CLONE.NEWIPC | CLONE.NEWNET);
    enterNamespace(`/proc/self/fd/${uts}`, 'uts');
    setns(uts);
    return JSON.stringify([
      namespaceIdentity(namespacePath('ipc')) !== before,
      namespaceIdentity(namespacePath('uts')),
    ]);
  });
  assert.deepEqual(JSON.parse(said), [true, wanted]);
  close(uts);
});
