import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KataError } from '../errors/kata-error.ts';
import { resourceLimits } from './rlimits.ts';

test('a limit is known by its number, infinity included', () => {
  assert.deepEqual(
    resourceLimits([
      { type: 'RLIMIT_NOFILE', soft: 1024n, hard: 18446744073709551615n },
      { type: 'RLIMIT_RTTIME', soft: 0n, hard: 0n },
      { type: 'RLIMIT_CPU', soft: 1n, hard: 1n },
    ]),
    [
      { resource: 7, soft: 1024n, hard: 18446744073709551615n, name: 'RLIMIT_NOFILE' },
      { resource: 15, soft: 0n, hard: 0n, name: 'RLIMIT_RTTIME' },
      { resource: 0, soft: 1n, hard: 1n, name: 'RLIMIT_CPU' },
    ],
  );
});

test('an unknown limit, one that stands twice and a soft limit above the hard one are named', () => {
  const limit = { type: 'RLIMIT_AS', soft: 1n, hard: 2n };
  for (const [list, word] of [
    [[{ ...limit, type: 'NOFILE' }], "'NOFILE'"],
    [[limit, limit], 'once'],
    [[{ ...limit, soft: 3n }], '3 above 2'],
  ] as const)
    assert.throws(
      () => resourceLimits(list),
      (error) => error instanceof KataError && error.code === 'invalid-argument' && error.message.includes(word),
    );
});
