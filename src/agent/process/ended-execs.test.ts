import assert from 'node:assert/strict';
import test from 'node:test';
import { EndedExecs } from './ended-execs.ts';

function filled(count: number, consumed: (i: number) => boolean): EndedExecs {
  const ended = new EndedExecs();
  for (let i = 0; i < count; i++) ended.add(`e${i}`, { consumed: consumed(i) });
  return ended;
}

test('the last execs are kept for a host that asks twice how they ended', () => {
  assert.deepEqual(filled(64, () => true).takeSurplus(), []);
});

test('of many finished execs the oldest are forgotten', () => {
  const ended = filled(67, () => true);
  assert.deepEqual(ended.takeSurplus(), ['e0', 'e1', 'e2']);
  assert.deepEqual(ended.takeSurplus(), []);
});

test('an exec whose output was not fetched yet is kept while there is room', () => {
  const ended = filled(100, (i) => i >= 98);
  assert.deepEqual(ended.takeSurplus(), ['e98', 'e99']);
});

test('a host that never fetches anything cannot fill the memory', () => {
  assert.equal(filled(300, () => false).takeSurplus().length, 44);
});
