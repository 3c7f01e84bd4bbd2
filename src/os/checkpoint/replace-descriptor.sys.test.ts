import assert from 'node:assert/strict';
import { test } from 'node:test';
import { close, pipe, read, setNonBlocking, writeSync } from '../fd.ts';
import { spawn } from '../process.ts';
import { SIGNAL } from '../signal.ts';
import { utf8Decode, utf8Encode } from '../utf8.ts';
import { replaceDescriptor } from './replace-descriptor.ts';

test('a process that waits for one file goes on with another one that takes its number', async () => {
  const [oldRead, oldWrite] = pipe();
  const [newRead, newWrite] = pipe();
  const [outRead, outWrite] = pipe();
  const child = spawn(['cat'], {
    fds: new Map([
      [0, oldRead],
      [1, outWrite],
      [5, newRead],
    ]),
    newSession: true,
  });
  try {
    replaceDescriptor(child.pid, 5, 0);
    writeSync(newWrite, utf8Encode('by the new one'));
    setNonBlocking(outRead);
    const buffer = new Uint8Array(64);
    const count = await read(outRead, buffer);
    assert.equal(utf8Decode(buffer.subarray(0, count)), 'by the new one');
    assert.throws(() => replaceDescriptor(child.pid, 77, 0), /replace descriptor 0 of process \d+: EBADF/);
    // It has not been hurt: it still answers.
    writeSync(newWrite, utf8Encode('once more'));
    assert.equal(utf8Decode(buffer.subarray(0, await read(outRead, buffer))), 'once more');
  } finally {
    child.kill(SIGNAL.KILL);
    await child.wait();
    for (const fd of [oldRead, oldWrite, newRead, newWrite, outRead, outWrite]) close(fd);
  }
});
