import assert from 'node:assert/strict';
import test from 'node:test';
import { nextState, type SandboxState } from './sandbox-state.ts';

function walk(...states: SandboxState[]): void {
  states.reduce((from, to) => nextState(from, to));
}

test('a sandbox is created, runs, is destroyed, and another may follow', () => {
  walk('none', 'creating', 'running', 'destroying', 'none', 'creating');
});

test('one that could not be created can be tried again', () => {
  walk('none', 'creating', 'none', 'creating');
});

test('a second sandbox beside the first is refused, and so is destroying one twice at once', () => {
  assert.throws(() => walk('running', 'creating'), /cannot become creating when it is running/);
  assert.throws(() => walk('destroying', 'destroying'), /cannot become destroying/);
  assert.throws(() => walk('none', 'destroying'), /cannot become destroying when it is none/);
});
