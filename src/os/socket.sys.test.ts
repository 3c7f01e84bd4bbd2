import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { syscall } from 'sys';
import { NR } from '../syscall/numbers.ts';
import { listDirectory, makeTemporaryDirectory, removeTree } from './directory.ts';
import { close } from './fd.ts';
import { exitNow, fork, waitSync } from './process.ts';
import { connectUnix, listenUnix, peerCredentials, socketPair } from './socket.ts';
import { lstat } from './stat.ts';
import { utf8Decode, utf8Encode } from './utf8.ts';

let folder = '';
before(() => {
  folder = makeTemporaryDirectory('/tmp/kata-socket-test-');
});
after(() => removeTree(folder));

test('many connections at once are accepted, and each speaks with its own peer', async () => {
  const path = `${folder}/s`;
  const listener = listenUnix(path, 0o640);
  assert.equal(lstat(path).mode & 0o777, 0o640);
  const clients = await Promise.all(Array.from({ length: 20 }, () => connectUnix(path)));
  for (const [i, client] of clients.entries()) await client.write(utf8Encode(String(i)));
  for (let i = 0; i < clients.length; i++) {
    const peer = await listener.accept();
    await peer.write(utf8Encode('heard '), (await peer.read())!);
    peer.close();
  }
  for (const [i, client] of clients.entries()) {
    assert.equal(utf8Decode((await client.read())!), `heard ${i}`);
    client.close();
  }
  listener.close();
});

test('a waiting accept ends when its listener is closed', async () => {
  const listener = listenUnix(`${folder}/closing`);
  const accepting = listener.accept();
  listener.close();
  await assert.rejects(accepting, { code: 'cancelled' });
});

test('no socket is not found, a socket that nobody serves is unavailable, and no descriptor stays', async () => {
  const before = listDirectory('/proc/self/fd').length;
  await assert.rejects(connectUnix(`${folder}/nothing`), { code: 'not-found', errno: 'ENOENT' });
  listenUnix(`${folder}/dead`).close();
  await assert.rejects(connectUnix(`${folder}/dead`), { code: 'unavailable', errno: 'ECONNREFUSED' });
  assert.throws(() => listenUnix(`${folder}/dead`), { errno: 'EADDRINUSE' });
  assert.equal(listDirectory('/proc/self/fd').length, before);
});

test('a path of 107 bytes serves, a longer one is refused with advice', async () => {
  const path = `${folder}/${'x'.repeat(107 - folder.length - 1)}`;
  const listener = listenUnix(path);
  (await connectUnix(path)).close();
  listener.close();
  assert.throws(() => listenUnix(`${path}y`), { code: 'invalid-argument', hint: 'choose a shorter folder' });
});

test('a server knows who is at the other end', () => {
  const [mine, other] = socketPair();
  assert.deepEqual(peerCredentials(mine), { pid: syscall(NR.getpid), uid: 0, gid: 0 });
  close(mine);
  close(other);
});

test('a connection from another process is accepted', async () => {
  const listener = listenUnix(`${folder}/other`);
  const forked = fork();
  if (forked === null) {
    connectUnix(`${folder}/other`).then(
      () => exitNow(0),
      () => exitNow(1),
    );
    // The connection is made at once; only the promise waits.
    exitNow(0);
  }
  const peer = await listener.accept();
  assert.equal(await peer.read(), null);
  assert.equal(waitSync(forked).code, 0);
  peer.close();
  listener.close();
});
