import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KataError } from '../errors/kata-error.ts';
import { parseJson } from './parse-json.ts';

test('a memory limit of the largest page-aligned int64 keeps every digit', () => {
  assert.deepEqual(parseJson('{"limit": 9223372036854771712, "swap":-9223372036854775808}', 'config.json'), {
    limit: 9223372036854771712n,
    swap: -9223372036854775808n,
  });
});

test('RLIM_INFINITY is a bigint and a small limit a plain number', () => {
  assert.deepEqual(parseJson('[18446744073709551615, 1024, 9007199254740991, 9007199254740993]', 'config.json'), [
    18446744073709551615n,
    1024,
    9007199254740991,
    9007199254740993n,
  ]);
});

test('digits inside strings and keys stay text, whatever quotes stand before them', () => {
  const text = String.raw`{"a\"12345678901234567890": "x\\", "b": "\" 12345678901234567890", "c": 12345678901234567890}`;
  assert.deepEqual(parseJson(text, 'config.json'), {
    'a"12345678901234567890': 'x\\',
    b: '" 12345678901234567890',
    c: 12345678901234567890n,
  });
});

test('a long decimal fraction stays a number', () => {
  assert.deepEqual(parseJson('[0.12500000000000000000, 10000000000000000000e0]', 'x'), [0.125, 1e19]);
});

test('a truncated config.json is named in the error', () => {
  assert.throws(
    () => parseJson('{"process":', '/bundle/config.json'),
    (error) =>
      error instanceof KataError && error.code === 'invalid-argument' && error.line.includes('/bundle/config.json'),
  );
});
