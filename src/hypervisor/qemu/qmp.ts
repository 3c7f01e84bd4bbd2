import { KataError } from '../../errors/kata-error.ts';
import type { ByteStream } from '../../os/byte-stream.ts';
import { utf8Encode } from '../../os/utf8.ts';
import type { QmpCommandName, QmpCommands } from './qmp-commands.ts';
import { LineSplitter, parseQmpMessage, type QmpEvent, type QmpMessage, type QmpVersion } from './qmp-messages.ts';

/** A block graph's description is some KiB; nothing that we ask for is near this. */
const MAX_LINE_BYTES = 1024 * 1024;
const DEFAULT_TIMEOUT_MS = 10_000;

/** Calls back after a time; the result cancels it. `after` of `os/timer.ts`, or a test's own. */
export type Timer = (delayMs: number, callback: () => void) => () => void;

interface Pending {
  what: string;
  resolve(result: unknown): void;
  reject(error: KataError): void;
  cancelTimer(): void;
}

type Listener = (event: QmpEvent) => void;

/** A stream that descriptors can be sent over as well: a unix socket's. */
type MonitorStream = ByteStream & { writeWithFds?(data: Uint8Array, fds: readonly number[]): Promise<void> };

/** QEMU's class of an error, as one of ours. */
const codeOf = (errorClass: string) =>
  errorClass === 'DeviceNotFound' ? 'not-found' : errorClass === 'CommandNotFound' ? 'unimplemented' : 'internal';

/**
 * A client of QEMU's machine protocol over a stream that it owns. Once the connection is lost every command, waiting or
 * new, fails with `unavailable`.
 */
export class Qmp {
  readonly #stream: MonitorStream;
  readonly #timer: Timer;
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Set<Listener>();
  #nextId = 1;
  #lost: KataError | undefined;
  #greeting: Pending | undefined;

  constructor(stream: MonitorStream, timer: Timer) {
    this.#stream = stream;
    this.#timer = timer;
  }

  /** Waits for the greeting and ends the negotiation; to be called once, first. QEMU's version. */
  async connect(timeoutMs: number = DEFAULT_TIMEOUT_MS): Promise<QmpVersion> {
    const greeting = new Promise<unknown>((resolve, reject) => {
      const cancelTimer = this.#timer(timeoutMs, () => this.#fail(late('greet us', timeoutMs)));
      this.#greeting = { what: 'greet us', resolve, reject, cancelTimer };
    });
    void this.#read();
    const version = (await greeting) as QmpVersion;
    await this.execute('qmp_capabilities', undefined, timeoutMs);
    return version;
  }

  /** Instead of `connect`, with a QEMU that was saved behind the negotiation. */
  resume(): void {
    void this.#read();
  }

  /** Runs a command; its answer. `deadline-exceeded` after `timeoutMs`: QEMU may still do it. */
  execute<Name extends QmpCommandName>(
    name: Name,
    args: QmpCommands[Name]['arguments'],
    timeoutMs: number = DEFAULT_TIMEOUT_MS,
  ): Promise<QmpCommands[Name]['result']> {
    return this.#execute(name, args, timeoutMs, (bytes) => this.#stream.write(bytes));
  }

  /** As `execute`, with a descriptor for QEMU; it stays open here. */
  executeWithFd<Name extends QmpCommandName>(
    name: Name,
    args: QmpCommands[Name]['arguments'],
    fd: number,
  ): Promise<QmpCommands[Name]['result']> {
    if (this.#stream.writeWithFds === undefined)
      throw new KataError('internal', "descriptors cannot be sent over this connection to QEMU's monitor");
    return this.#execute(name, args, DEFAULT_TIMEOUT_MS, (bytes) => this.#stream.writeWithFds!(bytes, [fd]));
  }

  #execute<Name extends QmpCommandName>(
    name: Name,
    args: QmpCommands[Name]['arguments'],
    timeoutMs: number,
    send: (bytes: Uint8Array) => Promise<void>,
  ): Promise<QmpCommands[Name]['result']> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    const id = this.#nextId++;
    const message = args === undefined ? { execute: name, id } : { execute: name, id, arguments: args };
    return new Promise((resolve, reject) => {
      const cancelTimer = this.#timer(timeoutMs, () => {
        this.#pending.delete(id);
        reject(late(name, timeoutMs));
      });
      this.#pending.set(id, {
        what: name,
        resolve: (result) => resolve(result as object as never),
        reject,
        cancelTimer,
      });
      send(utf8Encode(`${JSON.stringify(message)}\n`)).catch((error: unknown) => this.#fail(lost(error)));
    });
  }

  /** Calls `listener` with every event, until the result is called. */
  onEvent(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The next event that `matches`. Ask before the command that causes it. `deadline-exceeded` after `timeoutMs`. */
  waitForEvent(what: string, matches: (event: QmpEvent) => boolean, timeoutMs: number): Promise<QmpEvent> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    const id = this.#nextId++;
    return new Promise<unknown>((resolve, reject) => {
      const end = (): void => {
        forget();
        this.#pending.delete(id);
      };
      const cancelTimer = this.#timer(timeoutMs, () => {
        end();
        reject(late(what, timeoutMs));
      });
      const forget = this.onEvent((event) => {
        if (!matches(event)) return;
        end();
        cancelTimer();
        resolve(event);
      });
      // Among the commands, so that a lost connection ends it as well.
      this.#pending.set(id, { what, resolve, reject, cancelTimer });
    }) as Promise<QmpEvent>;
  }

  /** Ends the connection, idempotent. What waits fails with `cancelled`. */
  close(): void {
    this.#fail(new KataError('cancelled', "the connection to QEMU's monitor was closed"));
  }

  async #read(): Promise<void> {
    const splitter = new LineSplitter(MAX_LINE_BYTES);
    try {
      for (;;) {
        const bytes = await this.#stream.read();
        if (bytes === null) return this.#fail(lost());
        for (const line of splitter.push(bytes)) this.#handle(parseQmpMessage(line));
      }
    } catch (error) {
      this.#fail(KataError.wrap(error, "QEMU's monitor"));
    }
  }

  #handle(message: QmpMessage): void {
    switch (message.kind) {
      case 'greeting':
        this.#greeting?.cancelTimer();
        this.#greeting?.resolve(message.version);
        this.#greeting = undefined;
        return;
      case 'event':
        for (const listener of [...this.#listeners]) listener(message);
        return;
      case 'return':
        this.#take(message.id)?.resolve(message.result);
        return;
      case 'error': {
        // Without an id QEMU could not read what we sent, which is an error of ours that no command would ever hear of.
        if (message.id === null) throw new KataError('internal', `QEMU did not understand: ${message.description}`);
        const pending = this.#take(message.id);
        pending?.reject(
          new KataError(codeOf(message.errorClass), `QEMU's answer to ${pending.what}: ${message.description}`),
        );
      }
    }
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.cancelTimer();
    return pending;
  }

  #fail(error: KataError): void {
    if (this.#lost !== undefined) return;
    this.#lost = error;
    this.#stream.close();
    const waiting = [...this.#pending.values()];
    if (this.#greeting !== undefined) waiting.push(this.#greeting);
    this.#pending.clear();
    this.#greeting = undefined;
    this.#listeners.clear();
    for (const pending of waiting) {
      pending.cancelTimer();
      pending.reject(error);
    }
  }
}

const late = (what: string, timeoutMs: number): KataError =>
  new KataError('deadline-exceeded', `QEMU is expected to ${describe(what)} within ${timeoutMs} ms, it did not`);

const describe = (what: string): string => (what.includes(' ') ? what : `answer ${what}`);

const lost = (cause?: unknown): KataError =>
  new KataError('unavailable', "the connection to QEMU's monitor is lost", { cause });
