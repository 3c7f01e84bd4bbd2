import assert from 'node:assert/strict';
import { it } from 'node:test';
import { transition } from './lifecycle.ts';

it('lets a process be created, run, pause, go on and stop', () => {
  assert.equal(transition('p', 'created', 'running'), 'running');
  assert.equal(transition('p', 'running', 'paused'), 'paused');
  assert.equal(transition('p', 'paused', 'running'), 'running');
  assert.equal(transition('p', 'created', 'stopped'), 'stopped');
});

it('says from where a state can be reached when it cannot', () => {
  assert.throws(() => transition('container k4', 'stopped', 'running'), {
    code: 'failed-precondition',
    message: 'container k4 is stopped, it can become running only from created or paused',
  });
});
