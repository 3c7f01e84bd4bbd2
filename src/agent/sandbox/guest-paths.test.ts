import assert from 'node:assert/strict';
import test from 'node:test';
import { bundleOf } from './guest-paths.ts';

test('a bundle stands where upstream has it', () => {
  assert.equal(bundleOf('k4'), '/run/kata-containers/k4');
});

test('a container that is called like a folder of the agent does not take it over', () => {
  assert.equal(bundleOf('shared'), '/run/kata-containers/_shared');
  assert.equal(bundleOf('sandbox'), '/run/kata-containers/_sandbox');
});
