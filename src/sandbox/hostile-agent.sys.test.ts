import '../os/polyfill.ts';
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { sleep } from '../os/timer.ts';
import { WaitProcessResponse } from '../protocols/gen/agent.ts';
import { Request, Response } from '../protocols/gen/ttrpc.ts';
import { FRAME_TYPE, type Frame, FrameDecoder, HEADER_BYTES, writeHeader } from '../ttrpc/frame.ts';
import { memoryStreamPair } from '../ttrpc/memory-stream.ts';
import { seededRandom } from '../ttrpc/seeded-random.ts';
import { agentClient } from './agent-client.ts';
import { Container } from './container.ts';
import { GuestProcess } from './process.ts';
import { Teardown } from './teardown.ts';

/** What a test's agent answers to a request: the bytes to write, none for silence, null to hang up. */
type Answer = (request: Request, frame: Frame) => Uint8Array | undefined | null;

function frameOf(streamId: number, payload: Uint8Array, type: number = FRAME_TYPE.response): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length);
  writeHeader(bytes, 0, payload.length, streamId, type);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

const reply = (frame: Frame, payload: Uint8Array): Uint8Array =>
  frameOf(frame.streamId, Response.encode({ status: undefined, payload }).finish());

/** A client whose agent is `answer`. */
function guest(answer: Answer, answerTimeoutMs = 200) {
  const [ours, theirs] = memoryStreamPair();
  const client = agentClient(ours, { answerTimeoutMs });
  const decoder = new FrameDecoder();
  const serve = async () => {
    for (let chunk = await theirs.read(); chunk !== null; chunk = await theirs.read())
      decoder.push(chunk, (frame) => {
        const bytes = answer(Request.decode(frame.payload!), frame);
        if (bytes === null) theirs.close();
        else if (bytes !== undefined) void theirs.write(bytes).catch(() => {});
      });
  };
  void serve().catch(() => {});
  return client;
}

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error: { code: string }) => error.code,
  );

it('gives up on an agent that never answers, whatever is asked, and still waits for what may take long', async () => {
  const client = guest(() => undefined, 100);
  const container = new Container({
    client,
    id: 'c',
    bundle: '/b',
    terminal: false,
    teardown: new Teardown(() => {}),
  });
  const calls = [
    client.agent.createSandbox({}),
    client.agent.createContainer({}),
    container.start(),
    container.signalAll(9),
    container.stats(),
    container.pids(),
    client.health.check({}),
  ];
  assert.deepEqual(
    await Promise.all(calls.map(codeOf)),
    calls.map(() => 'deadline-exceeded'),
  );
  container.init.watch();
  await sleep(300);
  assert.equal(container.init.exit, undefined);
  client.close();
  assert.equal((await container.init.exited).status, 137);
});

it('takes every process for killed when the agent answers with garbage', async () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = seededRandom(seed);
    const client = guest((_, { streamId }) => {
      const bytes = new Uint8Array(HEADER_BYTES + random(300)).map(() => random(256));
      // Every second one begins like an answer.
      if (seed % 2 === 0) writeHeader(bytes, 0, bytes.length - HEADER_BYTES, streamId, FRAME_TYPE.response);
      return random(20) === 0 ? null : bytes;
    });
    const process = new GuestProcess(client, 'c', '', false);
    process.watch();
    await Promise.race([process.exited, sleep(20)]);
    client.close();
    const { status } = await process.exited;
    assert.ok(status >= 0 && status <= 255, `seed ${seed}: ${status}`);
  }
});

it('believes no exit status that there cannot be', async () => {
  for (const [said, told] of [
    [0, 0],
    [7, 7],
    [255, 255],
    [256, 255],
    [-1, 255],
    [0x7fffffff, 255],
    [-0x80000000, 255],
  ] as const) {
    const client = guest((_, frame) => reply(frame, WaitProcessResponse.encode({ status: said }).finish()));
    const process = new GuestProcess(client, 'c', '', false);
    process.watch();
    assert.equal((await process.exited).status, told);
    client.close();
  }
});

it('hangs up on an agent that answers what nobody asked, or on wrong streams', async () => {
  for (const wrong of [2, 4, 99, 0xffffffff]) {
    const client = guest(() => frameOf(wrong, new Uint8Array(0)));
    assert.equal(await codeOf(client.agent.createSandbox({})), 'unavailable');
    assert.notEqual(await client.closed, undefined);
  }
});

it('drops an answer over 4 MiB, takes the next one', async () => {
  let count = 0;
  const client = guest((_, frame) => {
    if (count++ > 0) return reply(frame, new Uint8Array(0));
    const bytes = new Uint8Array(HEADER_BYTES + (5 << 20));
    writeHeader(bytes, 0, 5 << 20, frame.streamId, FRAME_TYPE.response);
    return bytes;
  }, 5000);
  assert.equal(await codeOf(client.agent.createSandbox({})), 'resource-exhausted');
  assert.equal(await codeOf(client.agent.createSandbox({})), 'none');
  client.close();
});

it('ends the output of a process whose agent sends bytes that are no output', async () => {
  const client = guest((request, frame) =>
    request.method === 'ReadStdout' ? reply(frame, new Uint8Array([0x0a, 0x7f])) : undefined,
  );
  const process = new GuestProcess(client, 'c', '', false);
  assert.equal(await codeOf(process.readOutput('stdout')), 'data-loss');
  client.close();
  assert.equal(await process.readOutput('stderr').catch((error: { code: string }) => error.code), 'cancelled');
});

it('does not write more input than it has, however much the agent claims to have taken', async () => {
  const taken: number[] = [];
  const client = guest((request, frame) => {
    taken.push(request.payload.length);
    return reply(frame, new Uint8Array([0x08, 0xff, 0xff, 0xff, 0xff, 0x0f]));
  });
  const process = new GuestProcess(client, 'c', '', false);
  await process.writeInput(new Uint8Array(1000));
  assert.equal(taken.length, 1);
  client.close();
});
