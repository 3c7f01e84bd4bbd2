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

it('does not begin the next step for a second caller while the first one waits for a step', async () => {
  const done: string[] = [];
  const teardown = new Teardown(() => {});
  let release = () => {};
  teardown.add('last', () => {
    done.push('last');
  });
  teardown.add('slow', () => new Promise<void>((resolve) => (release = resolve)).then(() => void done.push('slow')));
  const both = [teardown.run(), teardown.run()];
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(done, []);
  release();
  await Promise.all(both);
  assert.deepEqual(done, ['slow', 'last']);
});
