import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ByteStream } from '../byte-stream.ts';
import { DbusConnection } from './connection.ts';
import { marshal, unmarshal } from './marshal.ts';
import { decodeMessage, encodeMessage, MESSAGE, messageLength } from './message.ts';
import { typesOf } from './signature.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

test('values lie where the specification has them', () => {
  assert.equal(hex(marshal('ys', [1, 'ab'])), '0100000002000000616200');
  assert.equal(hex(marshal('ut', [1, 2n])), '01000000000000000200000000000000');
  assert.equal(hex(marshal('as', [['a', 'bc']])), '0f000000' + '0100000061000000' + '02000000626300');
  // The length of an array leaves out the padding before its first element.
  assert.equal(hex(marshal('a(y)', [[[7]]])), '010000000000000007');
  assert.equal(hex(marshal('v', [{ type: 'u', value: 5 }])), '0175000005000000');
});

test('what was written is read again', () => {
  const signature = 'ybuitxsoga{sv}(sa(sv))v';
  const values = [
    ...[255, true, 4_000_000_000, -2, 2n ** 63n, -5n, 'größer', '/a/b', 'a{sv}'],
    [['key', { type: 'as', value: ['x', ''] }]],
    ['unit', [['PIDs', { type: 'au', value: [1, 2] }]]],
    { type: '(ub)', value: [1, false] },
  ];
  assert.deepEqual(unmarshal(signature, marshal(signature, values)), values);
});

test('signatures fall into their types; others are refused', () => {
  assert.deepEqual(typesOf('ssa(sv)a(sa(sv))'), ['s', 's', 'a(sv)', 'a(sa(sv))']);
  for (const signature of ['(s', 'a', '!', 'a{s']) assert.throws(() => typesOf(signature), /a D-Bus signature/);
});

test('no cut or lying message is read', () => {
  const whole = marshal('sa(sv)', ['text', [['a', { type: 's', value: 'b' }]]]);
  for (let length = 0; length < whole.length; length++)
    assert.throws(() => unmarshal('sa(sv)', whole.subarray(0, length)), /a D-Bus message is expected/);
  const huge = marshal('u', [0xffff_fff0]);
  for (const type of ['s', 'as', 'ay']) assert.throws(() => unmarshal(type, huge), /a D-Bus message is expected/, type);
  let nested = { type: 'y', value: 1 as unknown };
  for (let depth = 0; depth < 80; depth++) nested = { type: 'v', value: nested };
  assert.throws(() => unmarshal('v', marshal('v', [nested as never])), /nested too deeply/);
});

test('a message says how long it is', () => {
  const message = {
    ...{ type: MESSAGE.CALL, serial: 3, path: '/a', interface: 'b.c', member: 'D', destination: 'e.f' },
    ...{ signature: 'su', body: ['x', 9] },
  };
  const bytes = encodeMessage(message);
  assert.deepEqual(decodeMessage(bytes), message);
  assert.equal(messageLength(bytes.subarray(0, 15)), null);
  assert.equal(messageLength(bytes.subarray(0, 16)), bytes.length);
  assert.throws(() => messageLength(new Uint8Array(16)), /a little-endian D-Bus message/);
});

/** A stream whose other end is the test. */
function pair() {
  const incoming: Uint8Array[] = [];
  const outgoing: Uint8Array[] = [];
  let wake = () => {};
  let closed = false;
  const stream: ByteStream = {
    async read() {
      while (incoming.length === 0 && !closed)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      return incoming.shift() ?? null;
    },
    async write(...chunks) {
      outgoing.push(...chunks);
    },
    closeWrite() {},
    close() {
      closed = true;
      wake();
    },
  };
  const send = (bytes: Uint8Array) => {
    incoming.push(bytes);
    wake();
  };
  return { stream, outgoing, send, isClosed: () => closed };
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
const METHOD = { destination: 'a.b', path: '/', interface: 'c.d', member: 'Do' };

async function opened() {
  const peer = pair();
  const opening = DbusConnection.open(peer.stream, 1000);
  peer.send(Buffer.from('OK 01'));
  peer.send(Buffer.from('23\r\n'));
  const connection = await opening;
  assert.equal(peer.outgoing.splice(0).map(text).join(''), '\0AUTH EXTERNAL 31303030\r\nBEGIN\r\n');
  return { ...peer, connection };
}

test('answers reach their calls in any order, however they are cut; signals reach who listens', async () => {
  const { connection, outgoing, send } = await opened();
  const signals: unknown[] = [];
  connection.onSignal(({ member }) => signals.push(member));
  const [first, second] = [connection.call(METHOD, 's', ['x']), connection.call(METHOD)];
  assert.deepEqual(
    outgoing.map((bytes) => decodeMessage(bytes).body),
    [['x'], []],
  );
  const [one, two] = outgoing.map((bytes) => decodeMessage(bytes).serial);
  const bytes = Buffer.concat([
    encodeMessage({ type: MESSAGE.RETURN, serial: 1, replySerial: two!, signature: 'u', body: [2] }),
    encodeMessage({
      type: MESSAGE.SIGNAL,
      serial: 2,
      path: '/',
      interface: 'i.j',
      member: 'S',
      signature: '',
      body: [],
    }),
    encodeMessage({ type: MESSAGE.RETURN, serial: 3, replySerial: one!, signature: 'u', body: [1] }),
  ]);
  for (const byte of bytes) send(Uint8Array.of(byte));
  assert.deepEqual([await first, await second, signals], [[1], [2], ['S']]);
});

test('an error is thrown with its name, and the end of the connection ends every call', async () => {
  const { connection, outgoing, send, isClosed } = await opened();
  const refused = connection.call(METHOD);
  const name = 'org.freedesktop.DBus.Error.PropertyReadOnly';
  const body = ['Cannot set property IOAccounting, or unknown property.'];
  const { serial } = decodeMessage(outgoing[0]!);
  send(encodeMessage({ type: MESSAGE.ERROR, serial: 1, replySerial: serial, errorName: name, signature: 's', body }));
  await assert.rejects(refused, { code: 'failed-precondition', message: `Do: ${body[0]} [${name}]` });
  const cut = connection.call(METHOD);
  send(new Uint8Array(16));
  await assert.rejects(cut, /a little-endian D-Bus message/);
  assert.ok(isClosed());
  await assert.rejects(connection.call(METHOD), /a little-endian/);
});

test('a bus that does not let us in says so', async () => {
  const { stream, send } = pair();
  const opening = DbusConnection.open(stream, 0);
  send(Buffer.from('REJECTED EXTERNAL\r\n'));
  await assert.rejects(opening, /D-Bus is expected to accept user 0, it answered REJECTED EXTERNAL/);
});
