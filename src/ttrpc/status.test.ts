import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KataError } from '../errors/kata-error.ts';
import { codeOfStatus, errorOfStatus, STATUS, statusOf } from './status.ts';

test('every kind of failure has a gRPC code of its own and comes back as the same kind', () => {
  const numbers = Object.values(STATUS);
  assert.deepEqual(
    [...numbers].sort((a, b) => a - b),
    Array.from({ length: 16 }, (_, index) => index + 1),
  );
  for (const [code, number] of Object.entries(STATUS)) assert.equal(codeOfStatus(number), code);
});

test('a code that gRPC does not know is unknown', () => {
  assert.equal(codeOfStatus(99), 'unknown');
  assert.equal(codeOfStatus(-1), 'unknown');
});

test('the hint travels to the peer within the message', () => {
  const error = new KataError('not-found', 'no container "a"', { hint: 'list them with kata-runtime ps' });
  assert.deepEqual(statusOf(error), { code: 5, message: 'no container "a" (list them with kata-runtime ps)' });
  const there = errorOfStatus(statusOf(error));
  assert.equal(there.code, 'not-found');
  assert.equal(there.message, 'no container "a" (list them with kata-runtime ps)');
});
