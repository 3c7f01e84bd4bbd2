import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inChild } from '../../test/harness/in-child.ts';
import { listDirectory } from './directory.ts';
import { close, O, open, pipe, read, tryRead, writeSync } from './fd.ts';
import { forget, readable, resetAfterFork, writable } from './loop.ts';
import { exitNow, fork, waitSync } from './process.ts';
import { sleep } from './timer.ts';

const one = Uint8Array.of(1);

test('several may wait for one descriptor, each for its direction', async () => {
  const [reader, writer] = pipe(O.NONBLOCK);
  const heard: string[] = [];
  const waiting = Promise.all([
    readable(reader).then(() => heard.push('first')),
    readable(reader).then(() => heard.push('second')),
  ]);
  await writable(writer);
  assert.deepEqual(heard, []);
  writeSync(writer, one);
  await waiting;
  assert.deepEqual(heard, ['first', 'second']);
  close(reader);
  close(writer);
});

test('a file that is always ready is never waited for', async () => {
  const fd = open('/dev/null', O.RDWR);
  await readable(fd);
  await writable(fd);
  close(fd);
  await assert.rejects(async () => readable(fd), { errno: 'EBADF' });
});

test('a number that is used again is watched anew', async () => {
  for (let round = 0; round < 3; round++) {
    const [reader, writer] = pipe(O.NONBLOCK);
    const reading = read(reader, new Uint8Array(1));
    writeSync(writer, one);
    assert.equal(await reading, 1);
    close(reader);
    close(writer);
  }
});

test('bytes that came while nobody waited are not missed', async () => {
  const [reader, writer] = pipe(O.NONBLOCK);
  const buffer = new Uint8Array(1);
  const first = read(reader, buffer);
  writeSync(writer, one);
  await first;
  writeSync(writer, one);
  await sleep(5);
  assert.equal(await read(reader, buffer), 1);
  close(reader);
  close(writer);
});

test('a hundred and more descriptors are heard in one turn', async () => {
  const pipes = Array.from({ length: 150 }, () => pipe(O.NONBLOCK));
  const reading = Promise.all(pipes.map(([reader]) => read(reader, new Uint8Array(1))));
  for (const [, writer] of pipes) writeSync(writer, one);
  assert.deepEqual(new Set(await reading), new Set([1]));
  for (const fds of pipes) for (const fd of fds) close(fd);
});

test('watching leaves no descriptor behind, and forgetting what is not watched is fine', async () => {
  const before = listDirectory('/proc/self/fd').length;
  const [reader, writer] = pipe(O.NONBLOCK);
  writeSync(writer, one);
  await readable(reader);
  close(reader);
  close(writer);
  forget(reader);
  assert.equal(listDirectory('/proc/self/fd').length, before);
});

test('a child that goes on with the loop takes none of its parent’s events', async () => {
  const [reader, writer] = pipe(O.NONBLOCK);
  const [saidReader, saidWriter] = pipe(O.NONBLOCK);
  const mine = read(reader, new Uint8Array(1));
  const forked = fork();
  if (forked === null) {
    resetAfterFork();
    close(reader);
    const [innerReader, innerWriter] = pipe(O.NONBLOCK);
    const inner = read(innerReader, new Uint8Array(1));
    writeSync(innerWriter, one);
    await inner;
    writeSync(saidWriter, one);
    exitNow(0);
  }
  assert.equal(await read(saidReader, new Uint8Array(1)), 1);
  assert.equal(waitSync(forked).code, 0);
  writeSync(writer, one);
  assert.equal(await mine, 1);
  for (const fd of [reader, writer, saidReader, saidWriter]) close(fd);
});

test('a child that forgets the loop lets go of the descriptor that it shares with its parent, once', async () => {
  const [reader, writer] = pipe(O.NONBLOCK);
  await writable(writer);
  const said = inChild(() => {
    const count = () => listDirectory('/proc/self/fd').length;
    const before = count();
    resetAfterFork();
    const after = count();
    resetAfterFork();
    return `${before - after} ${after - count()} ${tryRead(reader, new Uint8Array(1))}`;
  });
  assert.equal(said, '1 0 null');
  close(reader);
  close(writer);
});
