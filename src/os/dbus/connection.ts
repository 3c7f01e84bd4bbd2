import { KataError } from '../../errors/kata-error.ts';
import type { ByteStream } from '../byte-stream.ts';
import { concatenate } from '../bytes.ts';
import type { DbusValue } from './marshal.ts';
import { type DbusMessage, decodeMessage, encodeMessage, MESSAGE, messageLength } from './message.ts';

/** What is called: an object's method. */
export interface DbusMethod {
  destination: string;
  path: string;
  interface: string;
  member: string;
}

interface Pending {
  what: string;
  resolve(body: readonly DbusValue[]): void;
  reject(error: KataError): void;
}

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const MAX_AUTH_BYTES = 4096;

/**
 * A client's connection to a message bus, or to a service by itself. It owns the stream; any number of calls may be under
 * way. A peer that breaks the protocol loses the connection, and every call throws `unavailable`.
 */
export class DbusConnection {
  readonly #stream: ByteStream;
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Set<(signal: DbusMessage) => void>();
  #received: Uint8Array = new Uint8Array(0);
  #serial = 0;
  #ended: KataError | undefined;

  private constructor(stream: ByteStream) {
    this.#stream = stream;
  }

  /** Says who we are (D-Bus Specification, Authentication Protocol, EXTERNAL): the peer looks at the socket's owner. */
  static async open(stream: ByteStream, uid: number): Promise<DbusConnection> {
    const connection = new DbusConnection(stream);
    const digits = [...String(uid)].map((digit) => digit.charCodeAt(0).toString(16)).join('');
    await stream.write(ascii(`\0AUTH EXTERNAL ${digits}\r\n`));
    const answer = await connection.#readLine();
    if (!answer.startsWith('OK '))
      throw new KataError('permission-denied', `D-Bus is expected to accept user ${uid}, it answered ${answer}`);
    await stream.write(ascii('BEGIN\r\n'));
    void connection.#receive();
    return connection;
  }

  async #readLine(): Promise<string> {
    for (;;) {
      const end = this.#received.indexOf(0x0a);
      if (end >= 0) {
        const line = String.fromCharCode(...this.#received.subarray(0, end)).trimEnd();
        this.#received = this.#received.slice(end + 1);
        return line;
      }
      const bytes = this.#received.length > MAX_AUTH_BYTES ? null : await this.#stream.read();
      if (bytes === null) throw new KataError('unavailable', 'D-Bus hung up before it let us in');
      this.#received = concatenate([this.#received, bytes]);
    }
  }

  /** One call: what it answers. Throws the peer's error, whose name is part of the message. */
  call(method: DbusMethod, signature = '', body: readonly DbusValue[] = []): Promise<readonly DbusValue[]> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      const serial = ++this.#serial;
      this.#pending.set(serial, { what: method.member, resolve, reject });
      this.#stream.write(encodeMessage({ ...method, type: MESSAGE.CALL, serial, signature, body })).catch((error) => {
        this.#end(KataError.wrap(error, 'D-Bus'));
      });
    });
  }

  /** Hears of signals from now on; the result ends that. */
  onSignal(listener: (signal: DbusMessage) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#end(new KataError('cancelled', 'the D-Bus connection was closed'));
  }

  async #receive(): Promise<void> {
    try {
      for (;;) {
        this.#handleReceived();
        const bytes = await this.#stream.read();
        if (bytes === null) throw new KataError('unavailable', 'D-Bus hung up');
        this.#received = concatenate([this.#received, bytes]);
      }
    } catch (error) {
      this.#end(KataError.from(error));
    }
  }

  #handleReceived(): void {
    for (;;) {
      const length = messageLength(this.#received);
      if (length === null || length > this.#received.length) return;
      const message = decodeMessage(this.#received.slice(0, length));
      this.#received = this.#received.slice(length);
      if (message.type === MESSAGE.SIGNAL) for (const listener of [...this.#listeners]) listener(message);
      else this.#answer(message);
    }
  }

  #answer({ type, replySerial, errorName = '', body }: DbusMessage): void {
    const pending = this.#pending.get(replySerial ?? 0);
    if (pending === undefined) return;
    this.#pending.delete(replySerial!);
    if (type === MESSAGE.RETURN) pending.resolve(body);
    else pending.reject(errorOf(pending.what, errorName, typeof body[0] === 'string' ? body[0] : ''));
  }

  #end(reason: KataError): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#stream.close();
    for (const { reject } of this.#pending.values()) reject(reason);
    this.#pending.clear();
  }
}

/** The names of errors that callers tell apart. */
const CODES: Readonly<Record<string, 'not-found' | 'already-exists' | 'permission-denied'>> = {
  'org.freedesktop.systemd1.NoSuchUnit': 'not-found',
  'org.freedesktop.systemd1.UnitExists': 'already-exists',
  'org.freedesktop.DBus.Error.AccessDenied': 'permission-denied',
};

function errorOf(what: string, name: string, text: string): KataError {
  return new KataError(CODES[name] ?? 'failed-precondition', `${what}: ${text === '' ? name : `${text} [${name}]`}`);
}
