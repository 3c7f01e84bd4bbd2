import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guestFailure } from './guest-failure.ts';

const facts = { happened: 'the guest did not come up', stderr: [], console: [], memoryMib: 2048 };

test('a panic is quoted, and the addresses behind it are not', () => {
  const { message, hint } = guestFailure('unavailable', {
    ...facts,
    console: ['[ 1.0] VFS: trouble', '[ 1.1] Kernel panic - not syncing: no init', '[ 1.1] Call Trace:'],
  });
  assert.match(message, /the guest said: Kernel panic - not syncing: no init;/);
  assert.match(message, /VFS: trouble/);
  assert.doesNotMatch(message, /Call Trace/);
  assert.match(hint ?? '', /enable_debug/);
});

test('too little memory is named with the key that changes it, also when the guest is silent', () => {
  const said = guestFailure('unavailable', {
    ...facts,
    memoryMib: 256,
    console: ['Out of memory and no killable processes'],
  });
  assert.match(said.line, /default_memory = 256 MiB, which is too little \("Out of memory"\).*raise default_memory/s);
  assert.match(guestFailure('unavailable', { ...facts, memoryMib: 32 }).line, /32 MiB, which may be too little/);
  assert.doesNotMatch(guestFailure('unavailable', facts).message, /default_memory = /);
});

test('what QEMU said comes first, and an empty console is said to be empty', () => {
  const { message } = guestFailure('unavailable', { ...facts, stderr: ['qemu: could not load kernel'] });
  assert.match(message, /^the guest did not come up; QEMU said: qemu: could not load kernel$/);
  assert.match(guestFailure('deadline-exceeded', facts).message, /console is empty/);
});
