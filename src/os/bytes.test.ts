import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatenate } from './bytes.ts';

test('pieces become one array, in their order', () => {
  assert.deepEqual(concatenate([Uint8Array.of(1, 2), new Uint8Array(0), Uint8Array.of(3)]), Uint8Array.of(1, 2, 3));
  assert.deepEqual(concatenate([]), new Uint8Array(0));
});

test('a single piece is not copied', () => {
  const piece = Uint8Array.of(1);
  assert.equal(concatenate([piece]), piece);
});
