import assert from 'node:assert/strict';
import test from 'node:test';
import { KataError } from '../../errors/kata-error.ts';
import { checkContainerId } from './identifier.ts';

test('ids of containerd, docker and ctr are taken', () => {
  for (const id of ['k4', 'a'.repeat(64), 'my-pod_1.web']) checkContainerId(id);
});

test('an id cannot lead out of its folder, nor name the folder itself', () => {
  for (const id of ['', '.', '..', 'a', '../x', 'a/b', '-rf', '.hidden', 'a b', 'a\n', 'ä1', 'x'.repeat(256)]) {
    assert.throws(
      () => checkContainerId(id),
      (error) => error instanceof KataError && error.code === 'invalid-argument',
      id,
    );
  }
});
