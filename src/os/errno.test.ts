import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { KataError } from '../errors/kata-error.ts';
import { check, ERRNO, errnoName, isErrno, systemError } from './errno.ts';

test('the numbers are those of this machine', () => {
  for (const [name, number] of Object.entries(constants.errno)) {
    // Two names of one number: the table has the kernel's.
    if (name === 'EWOULDBLOCK' || name === 'ENOTSUP') continue;
    assert.equal((ERRNO as Record<string, number>)[name], number, name);
  }
});

test('a failed call is an error with its name, its kind and what was done', () => {
  const error = systemError(-2, 'open /x', 'make it first');
  assert.ok(error instanceof KataError);
  assert.equal(error.message, 'open /x: ENOENT');
  assert.equal(error.line, 'open /x: ENOENT (make it first)');
  assert.equal(error.code, 'not-found');
  assert.equal(error.errno, 'ENOENT');
  assert.equal(systemError(-9999, 'x').message, 'x: errno 9999');
  assert.equal(systemError(-9999, 'x').code, 'internal');
});

test('a result that is none of an error is handed on', () => {
  assert.equal(check(0, 'x'), 0);
  assert.equal(check(7, 'x'), 7);
  assert.throws(() => check(-1, 'x'), { errno: 'EPERM', code: 'permission-denied' });
});

test('errors are told apart by their names', () => {
  assert.equal(isErrno(systemError(-17, 'x'), 'ENOENT', 'EEXIST'), true);
  assert.equal(isErrno(systemError(-17, 'x'), 'ENOENT'), false);
  assert.equal(isErrno(new Error('EEXIST'), 'EEXIST'), false);
  assert.equal(isErrno(undefined, 'EEXIST'), false);
  assert.equal(errnoName(11), 'EAGAIN');
});
