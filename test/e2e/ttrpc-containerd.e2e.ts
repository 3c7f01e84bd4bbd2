// A real stranger at the other end: containerd takes an event from our ttrpc client and `ctr events` tells it on.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { EventsDefinition } from '../../src/protocols/gen/event-forward.ts';
import { TaskExit } from '../../src/protocols/gen/events.ts';
import { createClient, TtrpcClient } from '../../src/ttrpc/client.ts';
import { socketStream } from '../harness/socket-stream.ts';

const containerdBinary = process.env.KATA_TS_CONTAINERD ?? 'containerd';
const folder = mkdtempSync(path.join(tmpdir(), 'kata-ts-ttrpc-'));
const address = path.join(folder, 'containerd.sock');
const EXITED_AT = { seconds: 1_763_000_000n, nanos: 123_456_789 };
let containerd: ChildProcess;
let log = '';

before(async () => {
  const config = path.join(folder, 'config.toml');
  writeFileSync(config, `version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n`);
  const args = ['--config', config, '--root', `${folder}/root`, '--state', `${folder}/state`, '--address', address];
  containerd = spawn(containerdBinary, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  containerd.stderr?.on('data', (chunk) => {
    log += chunk;
  });
  for (let waitedMs = 0; ; waitedMs += 50) {
    if (await isListening(`${address}.ttrpc`)) return;
    assert.ok(waitedMs < 20_000 && containerd.exitCode === null, `containerd did not come up:\n${log}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});

after(async () => {
  if (containerd.exitCode === null && containerd.signalCode === null) {
    const ended = once(containerd, 'exit');
    containerd.kill('SIGTERM');
    await ended;
  }
  rmSync(folder, { recursive: true, force: true });
});

function isListening(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(socketPath);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

async function connect(): Promise<TtrpcClient> {
  const socket = net.connect(`${address}.ttrpc`);
  await once(socket, 'connect');
  return new TtrpcClient(socketStream(socket), 'containerd');
}

function exitEvent(containerId: string) {
  const event = { containerId, id: containerId, pid: 42, exitStatus: 137, exitedAt: EXITED_AT };
  const value = TaskExit.encode(event).finish();
  const any = { typeUrl: 'containerd.events.TaskExit', value };
  return { envelope: { timestamp: EXITED_AT, namespace: 'default', topic: '/tasks/exit', event: any } };
}

test('containerd tells on, to its own client, every field of an event that we forward', {
  timeout: 60_000,
}, async () => {
  const ctr = spawn('ctr', ['--address', address, 'events'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let told = '';
  ctr.stdout.on('data', (chunk) => {
    told += chunk;
  });
  const client = await connect();
  try {
    const events = createClient(EventsDefinition, client);
    // `ctr` doesn't say when it listens: forward until it tells.
    for (let attempt = 0; !told.includes('\n'); attempt++) {
      assert.ok(attempt < 100, 'ctr events told nothing');
      const options = { timeoutMs: 5000, metadata: { 'containerd-namespace-ttrpc': 'default' } };
      assert.deepEqual(await events.forward(exitEvent('stranger-é→🦊'), options), {});
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const [first = ''] = told.split('\n');
    assert.match(first, /default \/tasks\/exit/);
    const seen = JSON.parse(first.slice(first.indexOf('{')));
    assert.equal(seen.container_id, 'stranger-é→🦊');
    assert.equal(seen.pid, 42);
    assert.equal(seen.exit_status, 137);
    assert.match(JSON.stringify(seen.exited_at), /123456789/);
  } finally {
    client.close();
    ctr.kill('SIGTERM');
  }
});

test('a hundred calls at once each get their answer from containerd', { timeout: 60_000 }, async () => {
  const client = await connect();
  const events = createClient(EventsDefinition, client);
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, index) => events.forward(exitEvent(`c${index}`), { timeoutMs: 10_000 })),
  );
  assert.equal(answers.length, 100);
  client.close();
  assert.equal(await client.closed, undefined);
});

test("containerd's refusals arrive with their kind and keep the connection", { timeout: 60_000 }, async () => {
  const client = await connect();
  await assert.rejects(client.call('no.such.Service', 'Method', [new Uint8Array()]), (error: Error) => {
    assert.match(error.message, /no\.such\.Service/);
    assert.equal((error as unknown as { code: string }).code, 'unimplemented');
    return true;
  });
  await assert.rejects(
    client.call('containerd.services.events.ttrpc.v1.Events', 'Forward', [new Uint8Array([0x0a, 0x7f])]),
    { name: 'KataError' },
  );
  const events = createClient(EventsDefinition, client);
  assert.deepEqual(await events.forward(exitEvent('after'), { timeoutMs: 5000 }), {});
  client.close();
});

test('when containerd is killed, a call throws unavailable', { timeout: 60_000 }, async () => {
  const client = await connect();
  const ended = once(containerd, 'exit');
  containerd.kill('SIGKILL');
  await ended;
  assert.equal((await client.closed)?.code, 'unavailable');
  const events = createClient(EventsDefinition, client);
  await assert.rejects(events.forward(exitEvent('late')), { code: 'unavailable' });
});
