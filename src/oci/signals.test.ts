import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KataError } from '../errors/kata-error.ts';
import { parseSignal, signalName } from './signals.ts';

test('a signal may be written as an image or a person writes it', () => {
  for (const text of ['SIGTERM', 'TERM', 'term', 'SigTerm', '15']) assert.equal(parseSignal(text), 15, text);
  assert.equal(parseSignal('SIGKILL'), 9);
  assert.equal(parseSignal('SIGIOT'), 6);
});

test('real-time signals count from both ends', () => {
  assert.equal(parseSignal('SIGRTMIN'), 34);
  assert.equal(parseSignal('RTMIN+3'), 37);
  assert.equal(parseSignal('SIGRTMAX-1'), 63);
  assert.equal(parseSignal('RTMIN+30'), 64);
});

test('what is not a signal is refused by name', () => {
  for (const text of ['', '0', '65', 'SIGNOPE', 'constructor', 'RTMIN-1', 'RTMAX+1', 'RTMIN+31', '-9', '1.5'])
    assert.throws(
      () => parseSignal(text),
      (error) => error instanceof KataError && error.code === 'invalid-argument' && error.message.includes(`'${text}'`),
      text,
    );
});

test('every number from 1 to 64 but the two that glibc keeps has a name that reads back', () => {
  for (let number = 1; number <= 64; number++) assert.equal(parseSignal(signalName(number)), number);
  assert.equal(signalName(37), 'SIGRTMIN+3');
  assert.equal(signalName(32), '32');
});
