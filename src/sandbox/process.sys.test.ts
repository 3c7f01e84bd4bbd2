import '../os/polyfill.ts';
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { sleep } from '../os/timer.ts';
import { memoryStreamPair } from '../ttrpc/memory-stream.ts';
import { agentClient } from './agent-client.ts';
import { GuestProcess } from './process.ts';

it('tells the end of a process whose agent hung up when it is known what became of the VM, not before', async () => {
  const [ours, theirs] = memoryStreamPair();
  let know: () => void = () => {};
  const fate = new Promise<void>((resolve) => {
    know = resolve;
  });
  const process = new GuestProcess(agentClient(ours), 'c', '', false, () => fate);
  process.watch();
  theirs.close();
  await sleep(50);
  assert.equal(process.exit, undefined);
  know();
  assert.equal((await process.exited).status, 137);
});
