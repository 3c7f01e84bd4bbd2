import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lastWords } from './last-words.ts';

const killed = { happened: 'QEMU was ended by signal 9', reason: '', stderr: [], console: [] };

test('a VM that was killed says how, and that its console is empty', () => {
  assert.equal(lastWords(killed), "QEMU was ended by signal 9; the guest's console is empty");
});

test('the last line of QEMU and of the guest is told, in one line', () => {
  const text = lastWords({ ...killed, stderr: ['first', 'terminating on signal 15'], console: ['one', 'two'] });
  assert.equal(text, 'QEMU was ended by signal 9; QEMU said: terminating on signal 15; the guest said last: two');
});

test('of a guest that panicked the panic is told, not the addresses behind it', () => {
  const console = ['[ 1.0] Kernel panic - not syncing: sysrq triggered crash', '[ 1.1] Call Trace:', '[ 1.2] end'];
  const text = lastWords({ happened: 'QEMU ended with status 0', reason: 'guest-panic', stderr: [], console });
  assert.equal(
    text,
    'QEMU ended with status 0 (guest-panic); the guest said last: Kernel panic - not syncing: sysrq triggered crash',
  );
});
