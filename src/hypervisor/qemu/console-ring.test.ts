import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8Encode } from '../../os/utf8.ts';
import { ConsoleRing } from './console-ring.ts';

const ringOf = (...pieces: string[]): ConsoleRing => {
  const ring = new ConsoleRing(3);
  for (const piece of pieces) ring.push(utf8Encode(piece));
  return ring;
};

test('lines are what the guest printed, however they arrive, the unfinished one included', () => {
  assert.deepEqual(ringOf('one\r\ntw', 'o\r\n\r\nthr', 'ee').lines(), ['one', 'two', 'three']);
});

test('only the last lines are kept', () => {
  const many = Array.from({ length: 1000 }, (_, i) => `line ${i}\n`).join('');
  assert.deepEqual(ringOf(many).lines(), ['line 997', 'line 998', 'line 999']);
  assert.deepEqual(ringOf(many).lines(1), ['line 999']);
});

test('a line without an end takes no more memory than any other', () => {
  const ring = ringOf('x'.repeat(100_000), 'y'.repeat(100_000), '\nnext\n');
  assert.deepEqual(ring.lines(), [`${'x'.repeat(1024)}…`, 'next']);
});

test('nothing that drives a terminal gets through', () => {
  assert.deepEqual(ringOf('\u001b]0;owned\u0007\u0000\tok\u009b31m\u202eabc\u2028\n').lines(), [
    '\\x1b]0;owned\\x07\\x00\tok\\x9b31m\\u202eabc\\u2028',
  ]);
  const ring = new ConsoleRing();
  ring.push(new Uint8Array([0xff, 0x61, 0x0a]));
  assert.deepEqual(ring.lines(), ['\ufffda']);
});

test('each line is told once, when it ends', () => {
  const told: string[] = [];
  const ring = new ConsoleRing(1, (line) => told.push(line));
  ring.push(utf8Encode('a\nb\nc'));
  assert.deepEqual(told, ['a', 'b']);
});
