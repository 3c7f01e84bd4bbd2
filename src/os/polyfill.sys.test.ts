import './polyfill.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentServiceDefinition } from '../protocols/gen/agent.ts';
import { createClient, TtrpcClient } from '../ttrpc/client.ts';
import { memoryStreamPair } from '../ttrpc/memory-stream.ts';
import { TtrpcServer } from '../ttrpc/server.ts';

// One byte, two, three and four bytes a character, with a byte order mark in front, and longer than any fast path.
const TEXTS = ['', 'plain', '\ufeffé → 🦊', `${'naïve '.repeat(40)}🦊`, 'x'.repeat(10_000)];

test('text comes back from UTF-8 as it was', () => {
  for (const text of TEXTS) {
    const bytes = new TextEncoder().encode(text);
    assert.equal(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes), text);
    const target = new Uint8Array(text.length * 3);
    const { written } = new TextEncoder().encodeInto(text, target);
    assert.deepEqual([...target.subarray(0, written)], [...bytes]);
  }
  assert.deepEqual([...new TextEncoder().encode('é→🦊')], [0xc3, 0xa9, 0xe2, 0x86, 0x92, 0xf0, 0x9f, 0xa6, 0x8a]);
});

test('a byte order mark is dropped unless it is asked for, as everywhere', () => {
  assert.equal(new TextDecoder().decode(new Uint8Array([0xef, 0xbb, 0xbf, 0x61])), 'a');
});

test('bytes that are not UTF-8 become U+FFFD, or are refused when asked so', () => {
  const bytes = new Uint8Array([0x61, 0xff, 0x62]);
  assert.equal(new TextDecoder().decode(bytes), 'a\ufffdb');
  assert.throws(() => new TextDecoder('utf-8', { fatal: true }).decode(bytes), TypeError);
  const replacement = new Uint8Array([0xef, 0xbf, 0xbd]);
  assert.equal(new TextDecoder('utf-8', { fatal: true }).decode(replacement), '\ufffd');
});

test('a number of 64 bits without a sign stays what it is', () => {
  for (const value of [0n, 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n])
    assert.equal(BigInt.asUintN(64, value), value);
  assert.equal(BigInt.asUintN(64, -1n), 2n ** 64n - 1n);
  assert.equal(BigInt.asUintN(64, 2n ** 64n + 5n), 5n);
  assert.equal(BigInt.asUintN(8, 0x1ffn), 0xffn);
});

test('ttrpc speaks in QuickJS as under Node: text, bytes, 64-bit numbers and timeouts', async () => {
  const [clientEnd, serverEnd] = memoryStreamPair();
  const server = new TtrpcServer();
  server.register(AgentServiceDefinition, {
    getMetrics: () => ({ metrics: TEXTS.join('|') }),
    getGuestDetails: () => ({
      memBlockSizeBytes: 0xffff_ffff_ffff_fffen,
      agentDetails: undefined,
      supportMemHotplugProbe: true,
    }),
    writeStdin: ({ data }) => ({ len: data.length }),
    waitProcess: () => new Promise(() => {}),
  });
  void server.serve(serverEnd);
  const client = new TtrpcClient(clientEnd, 'the agent');
  const agent = createClient(AgentServiceDefinition, client);
  assert.equal((await agent.getMetrics({})).metrics, TEXTS.join('|'));
  const details = await agent.getGuestDetails({ memBlockSize: true, memHotplugProbe: false });
  assert.equal(details.memBlockSizeBytes, 0xffff_ffff_ffff_fffen);
  assert.equal((await agent.writeStdin({ containerId: 'c', execId: 'e', data: new Uint8Array(1 << 20) })).len, 1 << 20);
  const late = agent.waitProcess({ containerId: 'c', execId: 'e' }, { timeoutMs: 10 });
  await assert.rejects(late, { code: 'deadline-exceeded' });
  client.close();
});
