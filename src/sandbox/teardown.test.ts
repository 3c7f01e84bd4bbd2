import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Teardown } from './teardown.ts';

it('undoes the last step first, goes on past one that fails, and says which', async () => {
  const done: string[] = [];
  const said: string[] = [];
  const teardown = new Teardown((message) => said.push(message));
  teardown.add('first', () => {
    done.push('first');
  });
  teardown.add('second', async () => {
    throw new Error('no');
  });
  teardown.add('third', async () => {
    done.push('third');
  });
  await teardown.run();
  assert.deepEqual(done, ['third', 'first']);
  assert.deepEqual(said, ['second: no']);
  await teardown.run();
  assert.deepEqual(done, ['third', 'first']);
});
