import assert from 'node:assert/strict';
import { test } from 'node:test';
import { editDistance, nearest } from './nearest.ts';

test('the distance of two words is the letters added, dropped and changed', () => {
  assert.equal(editDistance('', 'abc'), 3);
  assert.equal(editDistance('kitten', 'sitting'), 3);
  assert.equal(editDistance('same', 'same'), 0);
});

test('a mistyped word finds the one that was meant, a strange one none', () => {
  const known = ['default_vcpus', 'default_memory', 'path'];
  assert.equal(nearest('default_vcpu', known), 'default_vcpus');
  assert.equal(nearest('pth', known), 'path');
  assert.equal(nearest('zzzz', known), undefined);
});
