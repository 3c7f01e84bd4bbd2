import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ByteStream } from './byte-stream.ts';
import { concatenate } from './bytes.ts';
import { listDirectory } from './directory.ts';
import { close, O, pipe, setNonBlocking, tryRead } from './fd.ts';
import { FdStream } from './fd-stream.ts';
import { openPty } from './pty.ts';
import { ignoreSignal, SIGNAL } from './signal.ts';
import { socketPair } from './socket.ts';
import { sleep } from './timer.ts';
import { utf8Decode, utf8Encode } from './utf8.ts';

ignoreSignal(SIGNAL.PIPE);

const streams = (): [FdStream, FdStream] => {
  const [a, b] = socketPair();
  return [new FdStream(a), new FdStream(b)];
};

async function readAll(stream: ByteStream, max?: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for (;;) {
    const piece = await stream.read(max);
    if (piece === null) return concatenate(pieces);
    pieces.push(piece);
  }
}

test('bytes go both ways, and one side may end while the other goes on', async () => {
  const [a, b] = streams();
  await a.write(utf8Encode('question'));
  a.closeWrite();
  assert.equal(utf8Decode(await readAll(b)), 'question');
  await b.write(utf8Encode('ans'), new Uint8Array(0), utf8Encode('wer'));
  b.close();
  assert.equal(utf8Decode(await readAll(a)), 'answer');
  a.close();
});

test('calls to write are written in their order, also when the reader is slow', async () => {
  const [a, b] = streams();
  const pieces = Array.from({ length: 40 }, (_, i) => new Uint8Array(50_000).fill(i));
  const writing = Promise.all(pieces.map((piece) => a.write(piece.subarray(0, 10), piece.subarray(10)))).then(() =>
    a.close(),
  );
  const got = await readAll(b);
  await writing;
  assert.equal(got.length, 40 * 50_000);
  assert.ok(pieces.every((_, i) => got[i * 50_000] === i && got[i * 50_000 + 49_999] === i));
  b.close();
});

test('a call to write waits for the one before it, also when there is room again by then', async () => {
  const [fd, peer] = socketPair();
  const a = new FdStream(fd);
  const first = a.write(new Uint8Array(2_000_000).fill(1));
  await sleep(5);
  // Room is made before the loop has told the first call of it.
  const buffer = new Uint8Array(1_000_000);
  let length = 0;
  for (let count = tryRead(peer, buffer); count; count = tryRead(peer, buffer)) length += count;
  const second = a.write(Uint8Array.of(2));
  const b = new FdStream(peer);
  const rest = readAll(b);
  await first;
  await second;
  a.close();
  const got = await rest;
  assert.ok(length > 0 && got.length > 1);
  assert.equal(length + got.length, 2_000_001);
  assert.equal(got.indexOf(2), got.length - 1);
  b.close();
});

test('more pieces than one call of the kernel takes arrive all', async () => {
  const [a, b] = streams();
  const writing = a.write(...Array.from({ length: 3000 }, (_, i) => Uint8Array.of(i & 0xff))).then(() => a.close());
  const got = await readAll(b);
  await writing;
  assert.equal(got.length, 3000);
  assert.ok(got.every((byte, i) => byte === (i & 0xff)));
  b.close();
});

test('a read gives at most what was asked for, and its bytes stay what they are', async () => {
  const [a, b] = streams();
  await a.write(utf8Encode('abcdef'));
  const first = await b.read(2);
  const second = await b.read(100_000);
  assert.equal(utf8Decode(first!), 'ab');
  assert.equal(utf8Decode(second!), 'cdef');
  a.close();
  b.close();
});

test('writing to a peer that is gone is unavailable', async () => {
  const [a, b] = streams();
  b.close();
  await assert.rejects(a.write(Uint8Array.of(1)), { code: 'unavailable', errno: 'EPIPE' });
  assert.equal(await a.read(), null);
  a.close();
});

test("a peer's reset is the end for a reader", async () => {
  const [a, b] = streams();
  await a.write(utf8Encode('unread'));
  const reading = a.read();
  // Closing with bytes unread resets a unix stream.
  b.close();
  assert.equal(await reading, null);
  a.close();
});

test('closing ends a waiting read and a waiting write, and again is fine', async () => {
  const [a, b] = streams();
  const reading = a.read();
  const writing = a.write(new Uint8Array(10_000_000));
  await sleep(5);
  a.close();
  a.close();
  a.closeWrite();
  assert.equal(await reading, null);
  await assert.rejects(writing, { code: 'cancelled' });
  await assert.rejects(a.write(Uint8Array.of(1)), { code: 'cancelled' });
  assert.equal(await a.read(), null);
  b.close();
});

test('two pipes are one stream, and closing it leaves no descriptor', async () => {
  const before = listDirectory('/proc/self/fd').length;
  const [aReader, bWriter] = pipe(O.NONBLOCK);
  const [bReader, aWriter] = pipe(O.NONBLOCK);
  const a = new FdStream(aReader, aWriter);
  const b = new FdStream(bReader, bWriter);
  await a.write(utf8Encode('x'));
  a.closeWrite();
  a.closeWrite();
  assert.equal(utf8Decode(await readAll(b)), 'x');
  await b.write(utf8Encode('y'));
  b.close();
  assert.equal(utf8Decode(await readAll(a)), 'y');
  a.close();
  assert.equal(listDirectory('/proc/self/fd').length, before);
});

test("the end of a pseudo-terminal's program is the end of its output", async () => {
  const { controllerFd, terminalFd } = openPty();
  setNonBlocking(controllerFd);
  const controller = new FdStream(controllerFd);
  const writer = new FdStream(terminalFd);
  await writer.write(utf8Encode('last'));
  close(terminalFd);
  assert.equal(utf8Decode(await readAll(controller)), 'last');
  controller.close();
});
