import assert from 'node:assert/strict';
import { test } from 'node:test';
import { syscall } from 'sys';
import { inChild } from '../../test/harness/in-child.ts';
import { NR } from '../syscall/numbers.ts';
import { readText } from './file.ts';
import { exitNow, fork, runChecked, waitSync } from './process.ts';
import { ignoreSignal, resetSignals, SIGNAL, SignalReader } from './signal.ts';

const field = (name: string): bigint => {
  const line = readText('/proc/self/status')
    .split('\n')
    .find((text) => text.startsWith(`${name}:`));
  return BigInt(`0x${line?.split(':')[1]?.trim()}`);
};
const bit = (signal: number): bigint => 1n << BigInt(signal - 1);

test('signals come as events, each with its number, and kill nobody', async () => {
  const reader = new SignalReader([SIGNAL.USR1, SIGNAL.WINCH]);
  const waiting = reader.next();
  syscall(NR.kill, syscall(NR.getpid), SIGNAL.USR1);
  assert.equal(await waiting, SIGNAL.USR1);
  syscall(NR.kill, syscall(NR.getpid), SIGNAL.WINCH);
  assert.equal(await reader.next(), SIGNAL.WINCH);
  const last = reader.next();
  reader.close();
  await assert.rejects(last, { code: 'cancelled' });
});

test('a program that is started has no signal blocked and none ignored', async () => {
  ignoreSignal(SIGNAL.PIPE);
  assert.notEqual(field('SigIgn') & bit(SIGNAL.PIPE), 0n);
  const status = await runChecked(['cat', '/proc/self/status']);
  assert.match(status, /^SigBlk:\t0{16}$/m);
  assert.match(status, /^SigIgn:\t0{16}$/m);
});

test('a child undoes what its parent blocked', () => {
  const said = inChild(() => {
    new SignalReader([SIGNAL.TERM]);
    ignoreSignal(SIGNAL.PIPE);
    const before = field('SigBlk') & bit(SIGNAL.TERM);
    resetSignals();
    return `${before !== 0n} ${field('SigBlk')} ${field('SigIgn') & bit(SIGNAL.PIPE)}`;
  });
  assert.equal(said, 'true 0 0');
});

test('a process killed by a signal says which', () => {
  const forked = fork();
  if (forked === null) {
    resetSignals();
    syscall(NR.kill, syscall(NR.getpid), SIGNAL.KILL);
    exitNow(0);
  }
  assert.deepEqual(waitSync(forked), { code: 137, signal: 9 });
});
