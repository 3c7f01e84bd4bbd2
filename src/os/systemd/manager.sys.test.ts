// systemds that are not at hand, played by the test: what is asked of them, and what becomes of their answers.
import '../polyfill.ts';
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { ByteStream } from '../byte-stream.ts';
import { concatenate } from '../bytes.ts';
import type { DbusValue, Variant } from '../dbus/marshal.ts';
import { type DbusMessage, decodeMessage, encodeMessage, MESSAGE, messageLength } from '../dbus/message.ts';
import { makeDirectories } from '../directory.ts';
import { removeFile } from '../file.ts';
import { type Listener, listenUnix } from '../socket.ts';
import { utf8Decode, utf8Encode } from '../utf8.ts';
import { startScope, stopUnit } from './manager.ts';

const SOCKET = '/run/dbus/system_bus_socket';
const REFUSED = 'org.freedesktop.DBus.Error.PropertyReadOnly';

/** What a systemd does when it is told to start or stop a unit: refuses it in a word, or ends the job so. */
type Behaviour = (properties: string[], unit: string) => { refuse: [name: string, text: string] } | { result: string };

class PlayedSystemd {
  /** The properties of each attempt. */
  readonly attempts: string[][] = [];
  readonly #listener: Listener;
  readonly #version: string;
  readonly #behave: Behaviour;
  #serial = 0;

  constructor(version: string, behave: Behaviour) {
    makeDirectories('/run/dbus');
    removeFile(SOCKET);
    this.#listener = listenUnix(SOCKET);
    this.#version = version;
    this.#behave = behave;
    void this.#accept();
  }

  close(): void {
    this.#listener.close();
    removeFile(SOCKET);
  }

  async #accept(): Promise<void> {
    for (;;) {
      const stream = await this.#listener.accept().catch(() => null);
      if (stream === null) return;
      await this.#serve(stream);
      stream.close();
    }
  }

  async #serve(stream: ByteStream): Promise<void> {
    let text = '';
    while (!text.endsWith('\r\n')) text += utf8Decode((await stream.read(1))!);
    await stream.write(utf8Encode('OK 1234\r\n'));
    for (text = ''; !text.endsWith('BEGIN\r\n'); ) text += utf8Decode((await stream.read(1))!);
    let received: Uint8Array = new Uint8Array(0);
    for (let bytes = await stream.read(); bytes !== null; bytes = await stream.read()) {
      received = concatenate([received, bytes]);
      for (let length = messageLength(received); length !== null && length <= received.length; ) {
        await this.#handle(stream, decodeMessage(received.slice(0, length)));
        received = received.slice(length);
        length = messageLength(received);
      }
    }
  }

  async #handle(stream: ByteStream, call: DbusMessage): Promise<void> {
    const send = (rest: Partial<DbusMessage>): Promise<void> =>
      stream.write(encodeMessage({ type: MESSAGE.RETURN, serial: ++this.#serial, signature: '', body: [], ...rest }));
    const answer = (signature: string, body: DbusValue[]): Promise<void> =>
      send({ replySerial: call.serial, signature, body });
    if (call.member === 'Get') return answer('v', [{ type: 's', value: this.#version }]);
    if (call.member !== 'StartTransientUnit' && call.member !== 'StopUnit') return answer('', []);
    const [unit, , properties = []] = call.body as [string, string, [string, Variant][]?];
    const names = properties.map(([name]) => name);
    this.attempts.push(names);
    const outcome = this.#behave(names, unit);
    if ('refuse' in outcome) {
      const [errorName, text] = outcome.refuse;
      return send({ type: MESSAGE.ERROR, replySerial: call.serial, errorName, signature: 's', body: [text] });
    }
    const job = `/org/freedesktop/systemd1/job/${this.#serial}`;
    // The job may be over before the call is answered.
    await send({
      ...{ type: MESSAGE.SIGNAL, path: '/org/freedesktop/systemd1', interface: 'org.freedesktop.systemd1.Manager' },
      ...{ member: 'JobRemoved', signature: 'uoss', body: [1, job, unit, outcome.result] },
    });
    return answer('o', [job]);
  }
}

let played: PlayedSystemd | undefined;
const play = (version: string, behave: Behaviour): PlayedSystemd => {
  played = new PlayedSystemd(version, behave);
  return played;
};
afterEach(() => played?.close());

const scope = { unit: 'cri-containerd-a.scope', slice: 'kubepods.slice', description: 'test', pids: [1] };
/** As systemd says it of a property that it has never heard of. */
const knows =
  (...known: string[]): Behaviour =>
  (properties) => {
    const unknown = properties.find((name) => !known.includes(name));
    return unknown === undefined
      ? { result: 'done' }
      : { refuse: [REFUSED, `Cannot set property ${unknown}, or unknown property.`] };
  };
const EVERY = ['Description', 'Slice', 'PIDs', 'DefaultDependencies'];
const OLD = [...EVERY, 'Delegate', 'CPUAccounting', 'MemoryAccounting', 'BlockIOAccounting'];

test('systemd 219, which knows no IOAccounting, starts the scope at once', async () => {
  const systemd = play('219', knows(...OLD));
  await startScope(scope);
  assert.deepEqual(systemd.attempts, [OLD]);
});

test('one that does not know what its version has, starts it with what all know', async () => {
  const systemd = play('252', knows(...EVERY));
  await startScope(scope);
  assert.equal(systemd.attempts.length, 2);
  assert.deepEqual(systemd.attempts[1], EVERY);
});

test('its first refusal is what is thrown, in its own words', async () => {
  play('239', knows());
  await assert.rejects(startScope(scope), {
    message: `have systemd start cri-containerd-a.scope: StartTransientUnit: Cannot set property Description, or unknown property. [${REFUSED}]`,
  });
});

test('a unit that is there already is not tried again', async () => {
  const name = 'org.freedesktop.systemd1.UnitExists';
  const systemd = play('252', () => ({ refuse: [name, 'Unit cri-containerd-a.scope already exists.'] }));
  await assert.rejects(startScope(scope), { code: 'already-exists' });
  assert.equal(systemd.attempts.length, 1);
});

test('a job that fails is a failure', async () => {
  play('252', () => ({ result: 'failed' }));
  await assert.rejects(startScope(scope), {
    message: 'have systemd start cri-containerd-a.scope: its job is expected to be done, it ended as failed',
    hint: 'journalctl -u cri-containerd-a.scope',
  });
});

test('a unit is stopped; one that is not there is fine, anything else is not', async () => {
  play('252', () => ({ result: 'done' }));
  await stopUnit('a.scope');
  played?.close();
  play('252', () => ({ refuse: ['org.freedesktop.systemd1.NoSuchUnit', 'Unit a.scope not loaded.'] }));
  await stopUnit('a.scope');
  played?.close();
  play('252', () => ({ refuse: ['org.freedesktop.DBus.Error.AccessDenied', 'no'] }));
  await assert.rejects(stopUnit('a.scope'), { code: 'permission-denied' });
});

test('no bus, and one that hangs up, are said', async () => {
  await assert.rejects(startScope(scope), /connect to \/run\/dbus\/system_bus_socket: ENOENT/);
  makeDirectories('/run/dbus');
  const listener = listenUnix(SOCKET);
  void listener.accept().then((stream) => stream.close());
  await assert.rejects(startScope(scope), /D-Bus hung up before it let us in/);
  listener.close();
  removeFile(SOCKET);
});
