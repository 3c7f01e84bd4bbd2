import assert from 'node:assert/strict';
import test from 'node:test';
import { REGISTER, restartingCall, waitsInCall } from './registers.ts';

const stopped = (call: bigint, answer: bigint): BigUint64Array => {
  const registers = new BigUint64Array(27);
  registers[REGISTER.origRax] = BigInt.asUintN(64, call);
  registers[REGISTER.rax] = BigInt.asUintN(64, answer);
  registers[REGISTER.rip] = 0x1002n;
  return registers;
};

test('a call that was interrupted is made again, whatever the kernel wanted to do about it', () => {
  for (const answer of [-512n, -513n, -514n, -516n]) {
    const registers = stopped(271n, answer);
    assert.ok(waitsInCall(registers));
    const restarting = restartingCall(registers);
    assert.equal(restarting[REGISTER.rax], 271n);
    assert.equal(restarting[REGISTER.rip], 0x1000n);
  }
});

test('a thread that has its answer, or that made no call, goes on where it was', () => {
  for (const [call, answer] of [
    [271n, 16n],
    [271n, -4n],
    [-1n, -512n],
  ] as const) {
    const registers = stopped(call, answer);
    assert.ok(!waitsInCall(registers));
    const restarting = restartingCall(registers);
    assert.equal(restarting[REGISTER.rip], 0x1002n);
    assert.equal(restarting[REGISTER.rax], registers[REGISTER.rax]);
  }
});

test('the kernel is told that no call is under way', () => {
  assert.equal(restartingCall(stopped(271n, -514n))[REGISTER.origRax], 2n ** 64n - 1n);
  assert.equal(restartingCall(stopped(-1n, 0n))[REGISTER.origRax], 2n ** 64n - 1n);
});
