// Peers that break the protocol: frames by hand against the server, and against the client.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KataError } from '../errors/kata-error.ts';
import type { ByteStream } from '../os/byte-stream.ts';
import { AgentServiceDefinition } from '../protocols/gen/agent.ts';
import { Request, Response } from '../protocols/gen/ttrpc.ts';
import { createClient, TtrpcClient } from './client.ts';
import { FRAME_FLAG, FRAME_TYPE, type Frame, FrameDecoder, HEADER_BYTES, writeHeader } from './frame.ts';
import { memoryStreamPair } from './memory-stream.ts';
import { seededRandom } from './seeded-random.ts';
import { TtrpcServer } from './server.ts';

function frame(streamId: number, type: number, payload: Uint8Array = new Uint8Array(0), flags = 0): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length);
  writeHeader(bytes, 0, payload.length, streamId, type, flags);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

function request(method: string): Uint8Array {
  const message = { service: 'grpc.AgentService', method, payload: new Uint8Array(0), timeoutNano: 0n, metadata: [] };
  return Request.encode(message).finish();
}

interface RawServer {
  stream: ByteStream;
  /** The next answer: its stream, its gRPC code and its message. */
  next(): Promise<[number, number, string]>;
  finishWait(): void;
  served: Promise<KataError | undefined>;
}

function rawServer(): RawServer {
  const [stream, serverEnd] = memoryStreamPair(16 << 20);
  let finishWait = () => {};
  const server = new TtrpcServer();
  server.register(AgentServiceDefinition, {
    startContainer: () => {},
    waitProcess: (_, context) =>
      new Promise((resolve) => {
        finishWait = () => resolve({ status: 0 });
        void context.cancelled.then(finishWait);
      }),
  });
  const served = server.serve(serverEnd);
  const decoder = new FrameDecoder();
  const frames: Frame[] = [];
  return {
    stream,
    served,
    finishWait: () => finishWait(),
    async next() {
      while (frames.length === 0) {
        const chunk = await stream.read();
        assert.ok(chunk !== null, 'the server hung up');
        decoder.push(chunk, (found) => frames.push(found));
      }
      const { streamId, type, payload } = frames.shift()!;
      assert.equal(type, FRAME_TYPE.response);
      const { status } = Response.decode(payload!);
      return [streamId, status?.code ?? 0, status?.message ?? ''];
    },
  };
}

test('even and used stream ids are refused on their own stream, the connection lives', async () => {
  const { stream, next } = rawServer();
  await stream.write(frame(2, FRAME_TYPE.request, request('StartContainer')));
  assert.deepEqual((await next()).slice(0, 2), [2, 3]);
  await stream.write(frame(5, FRAME_TYPE.request, request('StartContainer')));
  assert.deepEqual((await next()).slice(0, 2), [5, 0]);
  for (const used of [5, 3]) {
    await stream.write(frame(used, FRAME_TYPE.request, request('StartContainer')));
    const [streamId, code, message] = await next();
    assert.deepEqual([streamId, code], [used, 3]);
    assert.match(message, /higher than the one before, 5/);
  }
  await stream.write(frame(7, FRAME_TYPE.request, request('StartContainer')));
  assert.deepEqual((await next()).slice(0, 2), [7, 0]);
});

test('a request that is no request is refused, the connection lives', async () => {
  const { stream, next } = rawServer();
  await stream.write(frame(1, FRAME_TYPE.request, new Uint8Array([0xff, 0xff, 0xff])));
  const [streamId, code, message] = await next();
  assert.deepEqual([streamId, code], [1, 3]);
  assert.match(message, /not a ttrpc request/);
  await stream.write(frame(3, FRAME_TYPE.request, request('StartContainer')));
  assert.deepEqual((await next()).slice(0, 2), [3, 0]);
});

test('a frame over 4 MiB is refused by its length, its bytes are dropped, the next request is served', async () => {
  const { stream, next } = rawServer();
  const tooLong = frame(1, FRAME_TYPE.request, new Uint8Array((4 << 20) + 5).fill(1));
  await stream.write(tooLong);
  const [streamId, code, message] = await next();
  assert.deepEqual([streamId, code], [1, 8]);
  assert.match(message, /4194309/);
  await stream.write(frame(3, FRAME_TYPE.request, request('StartContainer')));
  assert.deepEqual((await next()).slice(0, 2), [3, 0]);
});

test('a frame of a type from the future is ignored', async () => {
  const { stream, next } = rawServer();
  await stream.write(frame(1, 9, new Uint8Array(10)), frame(1, FRAME_TYPE.request, request('StartContainer')));
  assert.deepEqual((await next()).slice(0, 2), [1, 0]);
});

test('data for a stream that is not open is refused', async () => {
  const { stream, next } = rawServer();
  await stream.write(frame(9, FRAME_TYPE.data, new Uint8Array([1])));
  const [streamId, code, message] = await next();
  assert.deepEqual([streamId, code], [9, 3]);
  assert.match(message, /not open/);
});

test('a caller may half-close the stream of its call and still gets the answer', async () => {
  const { stream, next, finishWait } = rawServer();
  await stream.write(frame(1, FRAME_TYPE.request, request('WaitProcess'), FRAME_FLAG.remoteOpen));
  await stream.write(
    frame(1, FRAME_TYPE.data, undefined, FRAME_FLAG.remoteClosed | FRAME_FLAG.noData),
    frame(3, FRAME_TYPE.request, request('StartContainer')),
  );
  assert.deepEqual((await next()).slice(0, 2), [3, 0]);
  finishWait();
  assert.deepEqual((await next()).slice(0, 2), [1, 0]);
});

test('stream data on a call that takes one request ends that call with an error, once', async () => {
  const { stream, next, finishWait } = rawServer();
  await stream.write(frame(1, FRAME_TYPE.request, request('WaitProcess'), FRAME_FLAG.remoteOpen));
  await stream.write(frame(1, FRAME_TYPE.data, new Uint8Array([1])));
  const [streamId, code, message] = await next();
  assert.deepEqual([streamId, code], [1, 3]);
  assert.match(message, /WaitProcess takes one request/);
  finishWait();
  await stream.write(frame(3, FRAME_TYPE.request, request('StartContainer')));
  assert.deepEqual((await next()).slice(0, 2), [3, 0]);
});

test('a connection that ends within a frame is reported so', async () => {
  const { stream, served } = rawServer();
  await stream.write(frame(1, FRAME_TYPE.request, request('StartContainer')).subarray(0, 15));
  stream.close();
  assert.match((await served)?.message ?? '', /in the middle of a message/);
});

test('a server given garbage answers or hangs up, and never crashes', async () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = seededRandom(seed * 7919);
    const { stream, served } = rawServer();
    for (let count = random(12); count >= 0; count--) {
      const payload = new Uint8Array(random(200)).map(() => random(256));
      // Valid headers with garbage inside, valid requests with odd flags, and plain noise.
      const choice = random(3);
      if (choice === 0) await stream.write(frame(random(8), random(5), payload, random(8)));
      else if (choice === 1) await stream.write(frame(1 + 2 * random(6), random(5), request('WaitProcess'), random(8)));
      else await stream.write(payload);
    }
    stream.closeWrite();
    await served;
  }
});

test('a client given garbage throws unavailable from every call, and never crashes', async () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = seededRandom(seed * 104729);
    const [clientEnd, serverEnd] = memoryStreamPair();
    const client = new TtrpcClient(clientEnd, 'the agent');
    const agent = createClient(AgentServiceDefinition, client);
    const calls = [agent.startContainer({ containerId: 'c' }), agent.waitProcess({ containerId: 'c', execId: 'e' })];
    const outcomes = Promise.allSettled(calls);
    for (let count = random(6); count >= 0; count--) {
      const payload = new Uint8Array(random(100)).map(() => random(256));
      const whole = random(2) === 0 ? payload : frame(random(6), random(5), payload, random(8));
      await serverEnd.write(whole).catch(() => {});
    }
    serverEnd.close();
    for (const outcome of await outcomes) {
      if (outcome.status === 'rejected') assert.equal(outcome.reason.name, 'KataError', `seed ${seed}`);
    }
    assert.equal((await client.closed)?.code, 'unavailable', `seed ${seed}`);
  }
});

async function clientFacing(...frames: Uint8Array[]) {
  const [clientEnd, serverEnd] = memoryStreamPair(16 << 20);
  const client = new TtrpcClient(clientEnd, 'the agent');
  const call = createClient(AgentServiceDefinition, client).waitProcess({ containerId: 'c', execId: 'e' });
  await serverEnd.write(...frames);
  return { client, call, serverEnd };
}

test('a server that sends requests, or answers what was never asked, loses the connection', async () => {
  const wrong = [frame(1, FRAME_TYPE.request), frame(3, FRAME_TYPE.response), frame(2, FRAME_TYPE.response)];
  for (const bytes of wrong) {
    const { client, call } = await clientFacing(bytes);
    await assert.rejects(call, { code: 'unavailable' });
    assert.equal((await client.closed)?.code, 'unavailable');
  }
});

test('an answer over 4 MiB or of stream data fails its own call alone', async () => {
  const cases: [Uint8Array, string][] = [
    [frame(1, FRAME_TYPE.response, new Uint8Array((4 << 20) + 1)), 'resource-exhausted'],
    [frame(1, FRAME_TYPE.data, new Uint8Array(3)), 'internal'],
  ];
  for (const [bytes, code] of cases) {
    const { client, call, serverEnd } = await clientFacing(bytes);
    await assert.rejects(call, { code });
    const second = createClient(AgentServiceDefinition, client).startContainer({ containerId: 'c' });
    await serverEnd.write(frame(3, FRAME_TYPE.response));
    assert.deepEqual(await second, {});
    client.close();
  }
});

test('an answer of another type than promised throws data-loss', async () => {
  const inner = new Uint8Array([0x08]);
  const { client, call } = await clientFacing(
    frame(1, FRAME_TYPE.response, Response.encode({ status: undefined, payload: inner }).finish()),
  );
  await assert.rejects(call, { code: 'data-loss' });
  client.close();
});

test('a connection cut within an answer says so', async () => {
  const { call, serverEnd } = await clientFacing(frame(1, FRAME_TYPE.response, new Uint8Array(50)).subarray(0, 30));
  serverEnd.close();
  await assert.rejects(call, /connection closed by the agent in the middle of a message/);
});
