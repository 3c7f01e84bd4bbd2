import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KataError } from '../errors/kata-error.ts';
import { AgentServiceDefinition } from '../protocols/gen/agent.ts';
import { HealthCheckResponse_ServingStatus, HealthDefinition } from '../protocols/gen/health.ts';
import type { CallContext } from './call.ts';
import { createClient, TtrpcClient } from './client.ts';
import { memoryStreamPair } from './memory-stream.ts';
import { type Handlers, TtrpcServer, type TtrpcServerOptions } from './server.ts';

type Agent = Handlers<typeof AgentServiceDefinition>;

function connect(handlers: Agent, options?: TtrpcServerOptions, capacityBytes?: number) {
  const [clientEnd, serverEnd] = memoryStreamPair(capacityBytes);
  const server = new TtrpcServer(options);
  server.register(AgentServiceDefinition, handlers);
  server.register(HealthDefinition, { check: () => ({ status: HealthCheckResponse_ServingStatus.SERVING }) });
  const served = server.serve(serverEnd, 'the test');
  const client = new TtrpcClient(clientEnd, 'the agent');
  return {
    client,
    clientEnd,
    serverEnd,
    served,
    agent: createClient(AgentServiceDefinition, client),
    health: createClient(HealthDefinition, client),
  };
}

const kind = (code: string, message?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof KataError, String(error));
  assert.equal(error.code, code, error.message);
  if (message !== undefined) assert.match(error.message, message);
  return true;
};

const stream = (data: Uint8Array) => ({ containerId: 'c', execId: 'e', data });

test('a call reaches its handler and the answer comes back', async () => {
  const { agent, health, client, served } = connect({
    readStdout: ({ containerId, execId, len }) => ({
      data: new TextEncoder().encode(`${containerId}/${execId}/${len}`),
    }),
  });
  const { data } = await agent.readStdout({ containerId: 'c1', execId: 'e1', len: 5 });
  assert.equal(new TextDecoder().decode(data), 'c1/e1/5');
  assert.deepEqual(await health.check({ service: '' }), { status: 1 });
  client.close();
  assert.equal(await served, undefined);
});

test('a handler of an empty answer may return nothing', async () => {
  const { agent, client } = connect({ startContainer: () => {}, pauseContainer: async () => {} });
  assert.deepEqual(await agent.startContainer({ containerId: 'c' }), {});
  assert.deepEqual(await agent.pauseContainer({ containerId: 'c' }), {});
  client.close();
});

test('a slow call does not hold up a quick one, and a thousand at once all get their own answers', async () => {
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { agent, client } = connect({
    waitProcess: async () => {
      await gate;
      return { status: 7 };
    },
    writeStdin: async ({ data }) => {
      await Promise.resolve();
      return { len: data.length };
    },
  });
  const slow = agent.waitProcess({ containerId: 'c', execId: 'e' });
  const lengths = await Promise.all(
    Array.from({ length: 1000 }, (_, size) => agent.writeStdin(stream(new Uint8Array(size)))),
  );
  assert.deepEqual(
    lengths.map(({ len }) => len),
    Array.from({ length: 1000 }, (_, size) => size),
  );
  release();
  assert.deepEqual(await slow, { status: 7 });
  client.close();
});

test('metadata, the time allowed, the names and the peer reach the handler', async () => {
  let seen: CallContext | undefined;
  const { agent, client } = connect({
    startContainer: (_, context) => {
      seen = context;
    },
  });
  await agent.startContainer(
    { containerId: 'c' },
    { timeoutMs: 1500, metadata: { 'Containerd-Namespace-Ttrpc': 'k8s.io' } },
  );
  assert.equal(seen?.metadata.get('containerd-namespace-ttrpc'), 'k8s.io');
  assert.equal(seen?.timeoutMs, 1500);
  assert.equal(`${seen?.service}/${seen?.method}`, 'grpc.AgentService/StartContainer');
  assert.equal(seen?.peer, 'the test');
  await agent.startContainer({ containerId: 'c' });
  assert.equal(seen?.timeoutMs, undefined);
  assert.equal(seen?.metadata.size, 0);
  client.close();
});

test('a failure keeps its kind, its message and its hint on the way', async () => {
  const { agent, client } = connect({
    startContainer: () => {
      throw new KataError('failed-precondition', 'container "c" has stopped', { hint: 'create it again' });
    },
    pauseContainer: async () => {
      throw new TypeError('a bug');
    },
  });
  const failed = kind('failed-precondition', /^container "c" has stopped \(create it again\)$/);
  await assert.rejects(agent.startContainer({ containerId: 'c' }), failed);
  await assert.rejects(agent.pauseContainer({ containerId: 'c' }), kind('internal', /a bug/));
  client.close();
});

test('what is not served is answered unimplemented, by name', async () => {
  const { agent, client } = connect({});
  await assert.rejects(agent.getMetrics({}), kind('unimplemented', /method GetMetrics of service grpc\.AgentService/));
  await assert.rejects(client.call('no.Such', 'Thing', [new Uint8Array()]), kind('unimplemented', /service no\.Such/));
  client.close();
});

test('a request that is not a message of its type is answered invalid-argument', async () => {
  const { client, health } = connect({ startContainer: () => {} });
  const cut = new Uint8Array([0x0a, 0x7f, 0x41]);
  await assert.rejects(
    client.call('grpc.AgentService', 'StartContainer', [cut]),
    kind('invalid-argument', /grpc\.AgentService\/StartContainer: unreadable request/),
  );
  assert.equal((await health.check({ service: '' })).status, 1);
  client.close();
});

test('a call that takes too long throws in time, its late answer is ignored, the connection lives', async () => {
  let answer = () => {};
  const { agent, health, client } = connect({
    waitProcess: () =>
      new Promise((resolve) => {
        answer = () => resolve({ status: 0 });
      }),
  });
  const started = performance.now();
  await assert.rejects(
    agent.waitProcess({ containerId: 'c', execId: 'e' }, { timeoutMs: 30 }),
    kind('deadline-exceeded', /grpc\.AgentService\/WaitProcess: no answer within 30 ms/),
  );
  assert.ok(performance.now() - started < 1000);
  answer();
  assert.equal((await health.check({ service: '' })).status, 1);
  await assert.rejects(health.check({ service: '' }, { timeoutMs: 0 }), kind('deadline-exceeded'));
  assert.equal((await health.check({ service: '' }, { timeoutMs: Number.POSITIVE_INFINITY })).status, 1);
  client.close();
});

test('a call can be given up', async () => {
  const { agent, health, client } = connect({ waitProcess: () => new Promise(() => {}) });
  const call = agent.waitProcess({ containerId: 'c', execId: 'e' }, { cancelled: Promise.resolve() });
  await assert.rejects(call, kind('cancelled'));
  assert.equal((await health.check({ service: '' })).status, 1);
  client.close();
});

test('when the server goes, every call under way throws unavailable and says who went', async () => {
  const { agent, client, serverEnd } = connect({ waitProcess: () => new Promise(() => {}) });
  const calls = [1, 2, 3].map(() => agent.waitProcess({ containerId: 'c', execId: 'e' }));
  serverEnd.close();
  for (const call of calls) await assert.rejects(call, kind('unavailable', /ttrpc: connection closed by the agent/));
  assert.equal((await client.closed)?.code, 'unavailable');
  await assert.rejects(agent.getMetrics({}), kind('unavailable'));
});

test('when we close, calls under way throw cancelled and closed has no reason', async () => {
  const { agent, client } = connect({ waitProcess: () => new Promise(() => {}) });
  const call = agent.waitProcess({ containerId: 'c', execId: 'e' });
  client.close();
  client.close();
  await assert.rejects(call, kind('cancelled', /we closed/));
  assert.equal(await client.closed, undefined);
});

test('when the caller goes, a handler that waits is told, and the connection ends when it is done', async () => {
  let seen: CallContext | undefined;
  const { agent, client, served } = connect({
    getOOMEvent: async (_, context) => {
      seen = context;
      assert.equal(context.isCancelled, false);
      await context.cancelled;
      throw new KataError('cancelled', 'nobody waits any more');
    },
  });
  const call = agent.getOOMEvent({});
  while (seen === undefined) await new Promise((resolve) => setTimeout(resolve, 1));
  client.close();
  await assert.rejects(call, kind('cancelled'));
  await served;
  assert.equal(seen.isCancelled, true);
  await seen.cancelled;
});

test('a caller that ends only its direction still gets its answers', async () => {
  let answer = () => {};
  const { agent, clientEnd, served } = connect({
    waitProcess: () =>
      new Promise((resolve) => {
        answer = () => resolve({ status: 3 });
      }),
  });
  const call = agent.waitProcess({ containerId: 'c', execId: 'e' });
  clientEnd.closeWrite();
  await new Promise((resolve) => setTimeout(resolve, 5));
  answer();
  assert.deepEqual(await call, { status: 3 });
  await served;
});

test('a request or an answer over 4 MiB throws resource-exhausted and harms nothing else', async () => {
  const huge = new Uint8Array((4 << 20) + 1);
  const { agent, client } = connect({
    readStdout: () => ({ data: huge }),
    writeStdin: ({ data }) => ({ len: data.length }),
  });
  const read = agent.readStdout({ containerId: 'c', execId: 'e', len: huge.length });
  await assert.rejects(read, kind('resource-exhausted', /answer of grpc\.AgentService\/ReadStdout has 4194310 bytes/));
  await assert.rejects(agent.writeStdin(stream(huge)), kind('resource-exhausted', /request of .*WriteStdin/));
  const largest = new Uint8Array((4 << 20) - 100);
  assert.deepEqual(await agent.writeStdin(stream(largest)), { len: largest.length });
  client.close();
});

test('a flood of requests is taken up only as fast as it is answered', async () => {
  let inWork = 0;
  let most = 0;
  const gates: (() => void)[] = [];
  const { agent, client } = connect(
    {
      startContainer: async () => {
        most = Math.max(most, ++inWork);
        await new Promise<void>((resolve) => gates.push(resolve));
        inWork--;
      },
    },
    { maxConcurrent: 4 },
  );
  const calls = Array.from({ length: 40 }, () => agent.startContainer({ containerId: 'c' }));
  let done = false;
  const all = Promise.all(calls).then(() => {
    done = true;
  });
  while (!done) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    gates.shift()?.();
  }
  await all;
  // A chunk is read whole: the pair in memory hands over one write, so one request, a time.
  assert.equal(most, 4);
  client.close();
});

test('a caller that does not read its answers is not read from either', async () => {
  let handled = 0;
  const [clientEnd, serverEnd] = memoryStreamPair(4096);
  const server = new TtrpcServer({ maxConcurrent: 8 });
  server.register(AgentServiceDefinition, {
    readStdout: () => {
      handled++;
      return { data: new Uint8Array(1000) };
    },
  });
  const served = server.serve(serverEnd);
  // A client whose answers nobody reads: its requests go to the server's end by hand.
  const writer = new TtrpcClient({ ...clientEnd, read: () => new Promise(() => {}) }, 'the agent');
  const agent = createClient(AgentServiceDefinition, writer);
  const calls = Array.from({ length: 100 }, () => agent.readStdout({ containerId: 'c', execId: 'e', len: 1 }));
  for (const call of calls) call.catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(handled < 20, `${handled} requests were taken up`);
  writer.close();
  await served;
});
