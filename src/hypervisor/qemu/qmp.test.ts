import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KataError } from '../../errors/kata-error.ts';
import type { ByteStream } from '../../os/byte-stream.ts';
import { utf8Decode, utf8Encode } from '../../os/utf8.ts';
import { memoryStreamPair } from '../../ttrpc/memory-stream.ts';
import { Qmp, type Timer } from './qmp.ts';

const timer: Timer = (delayMs, callback) => {
  const handle = setTimeout(callback, delayMs);
  return () => clearTimeout(handle);
};
const GREETING = '{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "Debian"}}}\r\n';

/** A QEMU that answers each command with what `answer` makes of it. */
async function serve(stream: ByteStream, answer: (command: { execute: string; id: number }) => string): Promise<void> {
  await stream.write(utf8Encode(GREETING));
  let text = '';
  for (let bytes = await stream.read(); bytes !== null; bytes = await stream.read()) {
    text += utf8Decode(bytes);
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      const command = JSON.parse(text.slice(0, end));
      text = text.slice(end + 1);
      // In pieces, as a socket may deliver it.
      const bytesOut = utf8Encode(command.execute === 'qmp_capabilities' ? ok(command.id) : answer(command));
      for (let at = 0; at < bytesOut.length; at += 7) await stream.write(bytesOut.slice(at, at + 7));
    }
  }
}
const ok = (id: number, value: unknown = {}): string => `${JSON.stringify({ return: value, id })}\n`;

const failure = async (promise: Promise<unknown>): Promise<KataError> =>
  promise.then(
    () => assert.fail('an error is expected'),
    (error: unknown) => {
      assert.ok(error instanceof KataError);
      return error;
    },
  );

async function connected(answer: (command: { execute: string; id: number }) => string): Promise<[Qmp, ByteStream]> {
  const [ours, theirs] = memoryStreamPair();
  serve(theirs, answer).catch(() => {});
  const qmp = new Qmp(ours, timer);
  assert.deepEqual(await qmp.connect(), { major: 7, minor: 2, micro: 22, package: 'Debian' });
  return [qmp, theirs];
}

test('a command gets its own answer, whatever order the answers come in', async () => {
  const held: string[] = [];
  const [qmp] = await connected(({ execute, id }) => {
    held.unshift(execute === 'stop' ? ok(id) : ok(id, { status: 'running', running: true }));
    return held.length === 2 ? held.join('') : '';
  });
  const [first, second] = await Promise.all([qmp.execute('query-status', undefined), qmp.execute('stop', undefined)]);
  assert.deepEqual(first, { status: 'running', running: true });
  assert.deepEqual(second, {});
  qmp.close();
});

test("a command's failure carries QEMU's words", async () => {
  const [qmp] = await connected(
    ({ id }) => `{"error": {"class": "DeviceNotFound", "desc": "Device 'x' not found"}, "id": ${id}}\n`,
  );
  const error = await failure(qmp.execute('device_del', { id: 'x' }));
  assert.equal(error.code, 'not-found');
  assert.match(error.message, /device_del: Device 'x' not found/);
  qmp.close();
});

test('events reach those who listen and the one who waits', async () => {
  const [qmp] = await connected(
    ({ id }) =>
      `{"event":"RESET"}\n{"event":"DEVICE_DELETED","data":{"path":"/x"}}\n{"event":"DEVICE_DELETED","data":{"device":"d"}}\n${ok(id)}`,
  );
  const seen: string[] = [];
  qmp.onEvent(({ event }) => seen.push(event));
  const deleted = qmp.waitForEvent('unplug d', ({ data }) => data.device === 'd', 1000);
  await qmp.execute('device_del', { id: 'd' });
  assert.deepEqual((await deleted).data, { device: 'd' });
  assert.deepEqual(seen, ['RESET', 'DEVICE_DELETED', 'DEVICE_DELETED']);
  qmp.close();
});

test('a QEMU that does not answer is given up in time, and its late answer is nobody else’s', async () => {
  let late = '';
  const [qmp] = await connected(({ execute, id }) => {
    if (execute === 'query-status') return `${late}${ok(id, { status: 'paused', running: false })}`;
    late = ok(id);
    return '';
  });
  const error = await failure(qmp.execute('cont', undefined, 20));
  assert.equal(error.code, 'deadline-exceeded');
  assert.match(error.message, /answer cont within 20 ms/);
  assert.equal((await qmp.execute('query-status', undefined)).status, 'paused');
  assert.equal((await failure(qmp.waitForEvent('unplug d', () => true, 20))).code, 'deadline-exceeded');
  qmp.close();
});

test('when QEMU goes, everything that waits hears of it, and everything later too', async () => {
  const [qmp, theirs] = await connected(() => '');
  const waiting = [failure(qmp.execute('stop', undefined)), failure(qmp.waitForEvent('unplug d', () => true, 10_000))];
  theirs.close();
  for (const error of await Promise.all(waiting)) assert.equal(error.code, 'unavailable');
  assert.equal((await failure(qmp.execute('cont', undefined))).code, 'unavailable');
  assert.equal((await failure(qmp.waitForEvent('x', () => true, 10))).code, 'unavailable');
});

test('closing the connection ends what waits, once', async () => {
  const [qmp] = await connected(() => '');
  const waiting = failure(qmp.execute('stop', undefined));
  qmp.close();
  qmp.close();
  assert.equal((await waiting).code, 'cancelled');
});

for (const [what, bytes] of [
  ['garbage', 'hello\n'],
  ['a list', '[1]\n'],
  ['a line without an end', 'x'.repeat(3 << 20)],
  ['an error without an id', '{"error": {"class": "GenericError", "desc": "JSON parse error"}}\n'],
  ['an object of nothing', '{}\n'],
] as const)
  test(`a QEMU that says ${what} loses the connection, and nothing hangs`, async () => {
    const [ours, theirs] = memoryStreamPair();
    const qmp = new Qmp(ours, timer);
    const connecting = failure(qmp.connect(5000));
    theirs.write(utf8Encode(bytes)).catch(() => {});
    assert.match((await connecting).message, /QEMU/);
    assert.equal(await theirs.read(), null);
  });

test('a QEMU that never greets is given up in time', async () => {
  const [ours] = memoryStreamPair();
  assert.equal((await failure(new Qmp(ours, timer).connect(20))).code, 'deadline-exceeded');
});
