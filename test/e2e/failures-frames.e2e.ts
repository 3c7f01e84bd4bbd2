// Whatever bytes come to a shim's socket: an answer or a closed connection, never a crash, and others go on.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import type net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { footprint, sleep } from '../harness/containerd.ts';
import { busyboxRoot, connectTo, DirectShim, makeBundle } from '../harness/direct-shim.ts';
import { leavesNothing } from '../harness/leaves-nothing.ts';
import { privateRun } from '../harness/private-run.ts';
import { testConfig } from '../harness/test-config.ts';

const LIMIT = { timeout: 120_000 };

/** A frame of ttrpc: its header says what it is told to, whatever follows. */
function frame(payload: Buffer, { streamId = 1, type = 1, length = payload.length } = {}): Buffer {
  const header = Buffer.alloc(10);
  header.writeUInt32BE(length, 0);
  header.writeUInt32BE(streamId, 4);
  header[8] = type;
  return Buffer.concat([header, payload]);
}

describe("what strangers write to a shim's socket", () => {
  let folder: string;
  let clean: ReturnType<typeof footprint>;
  let shim: DirectShim;
  let idle: string[];
  const residentKib = () => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${shim.pid}/status`, 'utf8'))?.[1]);

  before(async () => {
    privateRun();
    folder = fs.mkdtempSync(path.join(tmpdir(), 'kata-ts-frames-'));
    clean = footprint();
    const root = await busyboxRoot(folder);
    shim = await DirectShim.start(makeBundle(folder, 'frames', root, ['sleep', '1000']));
    // A container that runs all the while: what strangers do is not its concern.
    await shim.create(shim.bundle, { configPath: testConfig(folder, { default_memory: '256' }) });
    await shim.task.start({ id: shim.id });
    idle = shim.descriptors();
  }, LIMIT);
  after(async () => {
    await DirectShim.endAll();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  /** The shim serves its first connection, and holds no descriptor more than before. */
  async function unharmed(): Promise<void> {
    assert.equal((await shim.task.state({ id: shim.id })).status, 2);
    for (let waitedMs = 0; waitedMs < 3000 && shim.descriptors().length !== idle.length; waitedMs += 20)
      await sleep(20);
    assert.deepEqual(shim.descriptors(), idle);
  }
  const stranger = async (): Promise<net.Socket> => {
    const socket = await connectTo(shim.socketPath);
    socket.on('error', () => {});
    socket.resume();
    return socket;
  };
  const closed = async (socket: net.Socket): Promise<void> => {
    if (!socket.closed) await once(socket, 'close', { signal: AbortSignal.timeout(10_000) });
  };

  it('takes random bytes, from many at once', LIMIT, async () => {
    await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const socket = await stranger();
        socket.end(randomBytes(1 + index * 997));
        await closed(socket);
      }),
    );
    await unharmed();
  });

  it('takes a header that promises 4 GiB, and keeps no room for them', LIMIT, async () => {
    const before = residentKib();
    const sockets = await Promise.all(Array.from({ length: 20 }, stranger));
    for (const socket of sockets) socket.write(frame(Buffer.alloc(100_000, 7), { length: 0xffff_ffff }));
    await sleep(200);
    assert.ok(residentKib() < before + 4096, `resident ${before} KiB before, ${residentKib()} KiB then`);
    for (const socket of sockets) socket.destroy();
    await Promise.all(sockets.map(closed));
    await unharmed();
  });

  it('takes a frame that is cut at every place, then a close', LIMIT, async () => {
    const whole = frame(Buffer.from('\x0a\x17containerd.task.v2.Task\x12\x05State\x1a\x08\x0a\x06frames', 'latin1'));
    for (let cut = 0; cut < whole.length; cut += 3) {
      const socket = await stranger();
      socket.write(whole.subarray(0, cut));
      socket.destroy();
    }
    await unharmed();
  });

  it('answers a caller that ended its own direction', LIMIT, async () => {
    const socket = await connectTo(shim.socketPath);
    socket.end(frame(Buffer.from('\x0a\x17containerd.task.v2.Task\x12\x05State\x1a\x08\x0a\x06frames', 'latin1')));
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk);
    const answer = Buffer.concat(chunks);
    assert.equal(answer[8], 2);
    assert.match(answer.toString('latin1'), /frames/);
    await unharmed();
  });

  it(
    'answers unknown services and methods, even streams, used streams and payloads that are no message',
    LIMIT,
    async () => {
      const other = await shim.another();
      const socket = await connectTo(shim.socketPath);
      const answered = (async () => {
        let got = Buffer.alloc(0);
        for await (const chunk of socket) got = Buffer.concat([got, chunk]);
        const codes: number[] = [];
        for (let at = 0; at < got.length; at += 10 + got.readUInt32BE(at)) codes.push(got.readUInt32BE(at + 4));
        return codes;
      })();
      const request = (service: string, method: string, payload = '') =>
        Buffer.from(
          `\x0a${String.fromCharCode(service.length)}${service}\x12${String.fromCharCode(method.length)}${method}\x1a${String.fromCharCode(payload.length)}${payload}`,
          'latin1',
        );
      const task = 'containerd.task.v2.Task';
      socket.write(frame(request('no.such.Service', 'X'), { streamId: 1 }));
      socket.write(frame(request(task, 'NoSuchMethod'), { streamId: 3 }));
      socket.write(frame(request(task, 'State', '\x0a\xff\xff\xff'), { streamId: 5 }));
      socket.write(frame(request(task, 'State'), { streamId: 4 }));
      socket.write(frame(request(task, 'State'), { streamId: 3 }));
      socket.write(frame(Buffer.from('no message at all'), { streamId: 7 }));
      socket.write(frame(Buffer.from('data for nobody'), { streamId: 9, type: 3 }));
      socket.write(frame(Buffer.alloc((4 << 20) + 1), { streamId: 11 }));
      socket.end(frame(request(task, 'State', '\x0a\x06frames'), { streamId: 13 }));
      assert.deepEqual(
        (await answered).sort((a, b) => a - b),
        [1, 3, 3, 4, 5, 7, 9, 11, 13],
      );
      assert.equal((await other.task.state({ id: shim.id })).status, 2);
      other.close();
      await unharmed();
    },
  );

  it('answers a thousand calls at once, each', LIMIT, async () => {
    const states = await Promise.all(Array.from({ length: 1000 }, () => shim.task.state({ id: shim.id })));
    assert.ok(states.every(({ id }) => id === shim.id));
    await unharmed();
  });

  it('forgets callers that wait for the end of a process and go', LIMIT, async () => {
    for (let round = 0; round < 30; round++) {
      const other = await shim.another();
      const waits = [1, 2, 3].map(() => other.task.wait({ id: shim.id }).catch(() => {}));
      await other.task.connect({ id: shim.id });
      other.close();
      await Promise.all(waits);
    }
    await unharmed();
  });

  it('answers requests that make no sense, one line each, and changes nothing', LIMIT, async () => {
    const { task, id } = { task: shim.task, id: shim.id };
    const none = { id: 'nobody' };
    const cases: [() => Promise<unknown>, string][] = [
      [() => task.create({ id, bundle: shim.bundle }), 'already-exists'],
      [() => task.create({ id: 'other', bundle: '/nowhere' }), 'not-found'],
      [() => task.start(none), 'not-found'],
      [() => task.start({ id }), 'failed-precondition'],
      [() => task.start({ id, execId: 'none' }), 'not-found'],
      [() => task.delete({ id }), 'failed-precondition'],
      [() => task.delete(none), 'not-found'],
      [() => task.wait(none), 'not-found'],
      [() => task.kill({ ...none, signal: 9 }), 'not-found'],
      [() => task.exec({ id, execId: 'x' }), 'invalid-argument'],
      [
        () =>
          task.exec({ id, execId: '../x', spec: { typeUrl: '', value: Buffer.from('{"args":["true"],"cwd":"/"}') } }),
        'invalid-argument',
      ],
      [
        () =>
          task.exec({
            id,
            execId: 'x',
            spec: { typeUrl: '', value: Buffer.from('{"args":["true"],"cwd":"/","user":{}}') },
            stdout: '/nowhere/fifo',
          }),
        'not-found',
      ],
      [() => task.update({ id, resources: { typeUrl: '', value: Buffer.from('{') } }), 'invalid-argument'],
      [() => task.resizePty({ id, width: 1, height: 1 }), 'failed-precondition'],
      [() => task.resume({ id }), 'failed-precondition'],
      [() => task.checkpoint({ id }), 'unimplemented'],
      [() => task.stats(none), 'not-found'],
    ];
    for (const [call, code] of cases) {
      const error = await call().then(
        () => assert.fail(`${call} is expected to fail`),
        (thrown: { code: string; message: string }) => thrown,
      );
      assert.equal(error.code, code, `${call}: ${error.message}`);
      assert.ok(!error.message.includes('\n'), error.message);
    }
    // Shutdown is refused while a container is there.
    await task.shutdown({ id });
    await sleep(100);
    await unharmed();
  });

  it('tells the end of a process although a child of it writes for ever', LIMIT, async () => {
    const spec = { args: ['sh', '-c', 'yes & exit 3'], cwd: '/', env: ['PATH=/bin'], user: { uid: 0, gid: 0 } };
    const value = Buffer.from(JSON.stringify(spec));
    const fifo = path.join(folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const read = once(spawn('sh', ['-c', `cat ${fifo} > /dev/null`]), 'close');
    const exec = { id: shim.id, execId: 'forever' };
    await shim.task.exec({ ...exec, spec: { typeUrl: '', value }, stdout: fifo });
    await shim.task.start(exec);
    const start = performance.now();
    assert.equal((await shim.task.wait(exec)).exitStatus, 3);
    assert.ok(performance.now() - start < 10_000);
    await shim.task.delete(exec);
    await read;
    await shim.task.exec({
      id: shim.id,
      execId: 'end',
      spec: { typeUrl: '', value: Buffer.from(JSON.stringify({ ...spec, args: ['killall', 'yes'] })) },
    });
    await shim.task.start({ id: shim.id, execId: 'end' });
    await shim.task.wait({ id: shim.id, execId: 'end' });
    await shim.task.delete({ id: shim.id, execId: 'end' });
    await unharmed();
  });

  it('runs one container at a time of each id, and deletes it once for two callers', LIMIT, async () => {
    const { task, id } = { task: shim.task, id: shim.id };
    await task.kill({ id, signal: 9 });
    assert.equal((await task.wait({ id })).exitStatus, 137);
    const both = await Promise.allSettled([task.delete({ id }), task.delete({ id })]);
    for (const result of both) assert.equal(result.status === 'fulfilled' && result.value.exitStatus, 137);
    await assert.rejects(task.state({ id }), { code: 'not-found' });
    await shim.end();
    await leavesNothing(clean);
  });
});
