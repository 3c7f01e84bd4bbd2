import assert from 'node:assert/strict';
import { test } from 'node:test';
import { syscall } from 'sys';
import { NR } from '../syscall/numbers.ts';
import { listDirectory, makeTemporaryDirectory, removeTree } from './directory.ts';
import {
  close,
  duplicate,
  moveTo,
  O,
  open,
  pipe,
  read,
  readSync,
  setCloseOnExec,
  setNonBlocking,
  setPipeSize,
  tryRead,
  write,
  writeSync,
} from './fd.ts';
import { ignoreSignal, SIGNAL } from './signal.ts';
import { sleep } from './timer.ts';
import { utf8Decode, utf8Encode } from './utf8.ts';

const F_GETFD = 1;
const F_GETFL = 3;
const F_GETPIPE_SZ = 1032;
const closesOnExec = (fd: number): boolean => syscall(NR.fcntl, fd, F_GETFD, 0) === 1;
const text = (bytes: Uint8Array, count: number): string => utf8Decode(bytes.subarray(0, count));

test('every descriptor is closed on exec unless it was put in place for a program', () => {
  const file = open('/dev/null', O.RDONLY);
  const [reader, writer] = pipe();
  const copy = duplicate(file);
  for (const fd of [file, reader, writer, copy]) assert.equal(closesOnExec(fd), true);
  moveTo(file, copy);
  assert.equal(closesOnExec(copy), false);
  moveTo(file, file);
  assert.equal(closesOnExec(file), false);
  setCloseOnExec(file, true);
  assert.equal(closesOnExec(file), true);
  for (const fd of [file, reader, writer, copy]) close(fd);
});

test('reading waits for what comes, and ends when the writer is closed', async () => {
  const [reader, writer] = pipe(O.NONBLOCK);
  const buffer = new Uint8Array(16);
  assert.equal(tryRead(reader, buffer), null);
  const reading = read(reader, buffer);
  await sleep(5);
  await write(writer, utf8Encode('hello'));
  assert.equal(text(buffer, await reading), 'hello');
  writeSync(writer, utf8Encode('again'));
  assert.equal(tryRead(reader, buffer), 5);
  const ending = read(reader, buffer);
  close(writer);
  assert.equal(await ending, 0);
  assert.equal(tryRead(reader, buffer), 0);
  close(reader);
});

test('writing waits while the reader is slow, and every byte arrives in its place', async () => {
  const [reader, writer] = pipe(O.NONBLOCK);
  const sent = Uint8Array.from({ length: 1_000_000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
  const writing = write(writer, sent).then(() => close(writer));
  const got = new Uint8Array(sent.length);
  let length = 0;
  for (;;) {
    const count = await read(reader, got.subarray(length));
    if (count === 0) break;
    length += count;
  }
  await writing;
  close(reader);
  assert.equal(length, sent.length);
  assert.equal(
    got.findIndex((byte, i) => byte !== sent[i]),
    -1,
  );
});

test('who waits for a descriptor hears that it was closed', async () => {
  const [reader, writer] = pipe(O.NONBLOCK);
  const reading = read(reader, new Uint8Array(1));
  close(reader);
  await assert.rejects(reading, { code: 'cancelled' });
  close(writer);
});

test('writing into a pipe that nobody reads is an error and no death', async () => {
  ignoreSignal(SIGNAL.PIPE);
  const [reader, writer] = pipe(O.NONBLOCK);
  close(reader);
  await assert.rejects(write(writer, Uint8Array.of(1)), { errno: 'EPIPE', code: 'unavailable' });
  close(writer);
});

test('regular files are read and written without waiting, and come to an end', async () => {
  const folder = makeTemporaryDirectory('/tmp/kata-fd-test-');
  const fd = open(`${folder}/f`, O.RDWR | O.CREAT | O.NONBLOCK, 0o640);
  await write(fd, utf8Encode('content'));
  syscall(NR.lseek, fd, 0, 0);
  const buffer = new Uint8Array(4);
  assert.equal(text(buffer, await read(fd, buffer)), 'cont');
  assert.equal(text(buffer, readSync(fd, buffer)), 'ent');
  assert.equal(await read(fd, buffer), 0);
  close(fd);
  removeTree(folder);
});

test('what cannot be opened is named', () => {
  assert.throws(() => open('/tmp/kata-no-such-file', O.RDONLY), { message: 'open /tmp/kata-no-such-file: ENOENT' });
});

test('non-blocking is switched on and off, and closing nothing does nothing', () => {
  const [reader, writer] = pipe();
  const isNonBlocking = () => (syscall(NR.fcntl, reader, F_GETFL, 0) & O.NONBLOCK) !== 0;
  setNonBlocking(reader);
  assert.equal(isNonBlocking(), true);
  setNonBlocking(reader, false);
  assert.equal(isNonBlocking(), false);
  setPipeSize(writer, 16384);
  assert.equal(syscall(NR.fcntl, writer, F_GETPIPE_SZ, 0), 16384);
  close(reader);
  close(writer);
  const before = listDirectory('/proc/self/fd').length;
  close(-1);
  assert.equal(listDirectory('/proc/self/fd').length, before);
});
