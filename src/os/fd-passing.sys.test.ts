import assert from 'node:assert/strict';
import test from 'node:test';
import { close, O, open, pipe, readSync, writeSync } from './fd.ts';
import { receiveWithFds, sendWithFds } from './fd-passing.ts';
import { socketPair } from './socket.ts';
import { utf8Decode, utf8Encode } from './utf8.ts';

test('descriptors arrive with the bytes they were sent with, as copies of the sender’s', async () => {
  const [one, other] = socketPair();
  const [readEnd, writeEnd] = pipe();
  await sendWithFds(one, utf8Encode('take these'), [writeEnd, open('/dev/null', O.RDONLY)]);
  const received = await receiveWithFds(other);
  assert.equal(utf8Decode(received!.data), 'take these');
  assert.equal(received!.fds.length, 2);
  writeSync(received!.fds[0]!, utf8Encode('through the copy'));
  const text = new Uint8Array(32);
  assert.equal(readSync(readEnd, text), 16);
  for (const fd of [one, other, readEnd, writeEnd, ...received!.fds]) close(fd);
});

test('bytes alone come without descriptors, and a peer that hung up is the end', async () => {
  const [one, other] = socketPair();
  await sendWithFds(one, utf8Encode('nothing'), []);
  assert.deepEqual((await receiveWithFds(other))!.fds, []);
  close(one);
  assert.equal(await receiveWithFds(other), null);
  close(other);
});
