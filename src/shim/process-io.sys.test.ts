import '../os/polyfill.ts';
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { makeTemporaryDirectory, removeTree } from '../os/directory.ts';
import { readText } from '../os/file.ts';
import { sleep } from '../os/timer.ts';
import { utf8Encode } from '../os/utf8.ts';
import { AgentServiceDefinition } from '../protocols/gen/agent.ts';
import { HealthCheckResponse_ServingStatus, HealthDefinition } from '../protocols/gen/health.ts';
import { agentClient } from '../sandbox/agent-client.ts';
import { GuestProcess } from '../sandbox/process.ts';
import { memoryStreamPair } from '../ttrpc/memory-stream.ts';
import { TtrpcServer } from '../ttrpc/server.ts';
import { ProcessIo } from './process-io.ts';

const NEVER = new Promise<never>(() => {});

/** A guest whose process has put out `output`, piece by piece, each when its turn comes; it answers a check when `answers` says so. */
function guest(output: Promise<string>[], answers: Promise<void>): GuestProcess {
  const [ours, theirs] = memoryStreamPair();
  const server = new TtrpcServer();
  const pieces = [...output];
  server.register(AgentServiceDefinition, {
    readStdout: async () => ({ data: utf8Encode((await pieces.shift()) ?? '') }),
    readStderr: async () => ({ data: new Uint8Array(0) }),
    closeStdin: () => {},
  });
  server.register(HealthDefinition, {
    check: async () => {
      await answers;
      return { status: HealthCheckResponse_ServingStatus.SERVING };
    },
  });
  void server.serve(theirs, 'the test');
  const process = new GuestProcess(agentClient(ours), 'c', '', false);
  process.started();
  return process;
}

/** What has arrived when the process's end may be told, and after how many milliseconds. */
async function drained(process: GuestProcess): Promise<{ text: string; tookMs: number }> {
  const folder = makeTemporaryDirectory('/tmp/kata-process-io-test-');
  try {
    const stdio = { stdin: '', stdout: `file://${folder}/out`, stderr: '', terminal: false };
    const io = await ProcessIo.open(process, stdio, 'test', (message) => assert.fail(message));
    io.start();
    process.end(0);
    const startMs = Date.now();
    await io.drain();
    const tookMs = Date.now() - startMs;
    io.close();
    return { text: readText(`${folder}/out`), tookMs };
  } finally {
    removeTree(folder);
  }
}

it('waits for the output of a process in a guest that is slower than its end', async () => {
  const slow = sleep(400);
  const output = [slow.then(() => 'late '), sleep(410).then(() => 'words'), sleep(420).then(() => '')];
  const { text } = await drained(guest(output, slow));
  assert.equal(text, 'late words');
});

it('does not wait for children that hold the output and say nothing', async () => {
  const { text, tookMs } = await drained(guest([Promise.resolve('said'), NEVER], Promise.resolve()));
  assert.equal(text, 'said');
  assert.ok(tookMs >= 100 && tookMs < 1000, `${tookMs} ms`);
});
