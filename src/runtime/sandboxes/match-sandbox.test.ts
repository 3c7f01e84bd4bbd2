import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KataError } from '../../errors/kata-error.ts';
import { matchSandbox } from './match-sandbox.ts';

const sandbox = (id: string, name = '', containers: string[] = [id]) => ({
  id,
  name,
  record: { containers: containers.map((each) => ({ id: each })) },
});
const ALL = [
  sandbox('abc111', 'prod/web', ['abc111', 'abc222', 'c0ffee']),
  sandbox('abd333', 'test/web'),
  sandbox('ee5555', 'amber_fox'),
  { id: 'ff0000', name: '', record: null },
];
const found = (reference: string): string => matchSandbox(reference, ALL).id;

function refused(reference: string, ...words: string[]) {
  assert.throws(
    () => found(reference),
    (error) => {
      assert.ok(error instanceof KataError);
      for (const word of words) assert.ok(error.line.includes(word), `${word} in: ${error.line}`);
      return true;
    },
  );
}

test('a sandbox is found by its id, its beginning, its name, its pod’s name and its containers', () => {
  assert.equal(found('abc111'), 'abc111');
  assert.equal(found('abd'), 'abd333');
  assert.equal(found('f'), 'ff0000');
  assert.equal(found('amber_fox'), 'ee5555');
  assert.equal(found('prod/web'), 'abc111');
  assert.equal(found('c0f'), 'abc111');
  assert.equal(found('abc222'), 'abc111');
});

test('several ids of one sandbox that begin alike mean that sandbox', () => {
  assert.equal(found('abc'), 'abc111');
});

test('what several sandboxes are meant by is refused, and all are named', () => {
  refused('ab', 'begins 2', 'abc111', 'abd333');
  refused('web', 'abc111', 'abd333');
});

test('nothing is found by nothing', () => {
  refused('', 'there is no sandbox ""', 'kata-runtime list');
  refused('zz', 'there is no sandbox "zz"');
});
