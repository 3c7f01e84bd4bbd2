import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchId } from './match-id.ts';

const records = ['abcdefabcdef1111', 'abcdefabcdef2222', 'abd', 'ab'].map((id) => ({ id }));
const find = (reference: string): string => matchId(reference, records, { what: 'thing', hint: 'look' }).id;

test('an id is found by itself even when others begin with it, and by a beginning that is its alone', () => {
  assert.equal(find('ab'), 'ab');
  assert.equal(find('abd'), 'abd');
  assert.equal(find('abcdefabcdef1'), 'abcdefabcdef1111');
});

test('a beginning of several is refused with all of them, each long enough to be told from the others', () => {
  assert.throws(
    () => find('abc'),
    /abc is expected to begin the id of one thing, it begins 2: abcdefabcdef1111, abcdefabcdef2222/,
  );
  assert.throws(() => find('a'), /it begins 4: .*, abd, ab/);
});

test('nothing begins with it, or it is nothing', () => {
  assert.throws(() => find('x'), /there is no thing "x"/);
  assert.throws(() => find(''), /there is no thing ""/);
});
