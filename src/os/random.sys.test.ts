import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomBytes, randomHex } from './random.ts';

test('random bytes are as many as asked for, and never the same', () => {
  assert.equal(randomBytes(0).length, 0);
  const large = randomBytes(100_000);
  assert.equal(large.length, 100_000);
  // All values occur, in the last stretch as well.
  assert.equal(new Set(large.subarray(-20_000)).size, 256);
  assert.match(randomHex(16), /^[0-9a-f]{32}$/);
  assert.notEqual(randomHex(16), randomHex(16));
});
