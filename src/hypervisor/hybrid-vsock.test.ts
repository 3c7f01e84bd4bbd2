import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8Decode, utf8Encode } from '../os/utf8.ts';
import { memoryStreamPair } from '../ttrpc/memory-stream.ts';
import { connectHybridVsock } from './hybrid-vsock.ts';

/** A connection that the VMM answers with these pieces, and then ends when `over`. */
async function answered(pieces: string[], over = false) {
  const [host, vmm] = memoryStreamPair();
  const connecting = connectHybridVsock(host, 1024);
  assert.equal(utf8Decode((await vmm.read())!), 'CONNECT 1024\n');
  for (const piece of pieces) await vmm.write(utf8Encode(piece));
  if (over) vmm.close();
  return { host, connecting };
}

test('a port of the guest is asked for, and its first bytes are the caller’s though they come at once', async () => {
  const { host, connecting } = await answered(['O', 'K 107', '3741824\nhello']);
  await connecting;
  assert.equal(utf8Decode((await host.read())!), 'hello');
});

test('a guest that does not listen is unavailable, so that one can try again', async () => {
  const { connecting } = await answered([], true);
  await assert.rejects(connecting, { code: 'unavailable', message: /nobody .* vsock port 1024/ });
});

test('another service behind the socket is told by its answer, however long that is', async () => {
  for (const [pieces, found] of [
    [['HTTP/1.1 400 Bad Request\r\n'], 'HTTP/1.1 400 B'],
    [['OK\n'], 'OK\\n'],
    [['OK 1x\n'], 'OK 1x\\n'],
    [['OK 12'], 'OK 12'],
  ] as const) {
    const { connecting } = await answered([...pieces], true);
    await assert.rejects(connecting, (error: Error) => error.message.endsWith(`found "${found}"`), found);
  }
});

test('closing the connection ends the wait for a VMM that is silent', async () => {
  const { host, connecting } = await answered([]);
  host.close();
  await assert.rejects(connecting, { code: 'unavailable' });
});
