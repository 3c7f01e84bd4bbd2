import { KataError } from '../../errors/kata-error.ts';
import { concatenate } from '../../os/bytes.ts';
import { utf8Decode } from '../../os/utf8.ts';

/** An event of QEMU's, such as `DEVICE_DELETED`; `data` as qemu-qmp-ref(7) describes it. */
export interface QmpEvent {
  event: string;
  data: Readonly<Record<string, unknown>>;
}

/** What QEMU says: its greeting, the answer to a command, or an event. */
export type QmpMessage =
  | { kind: 'greeting'; version: QmpVersion }
  | { kind: 'return'; id: number; result: unknown }
  | { kind: 'error'; id: number | null; errorClass: string; description: string }
  | ({ kind: 'event' } & QmpEvent);

export interface QmpVersion {
  major: number;
  minor: number;
  micro: number;
  /** The distribution's own words: `Debian 1:7.2+dfsg-7+deb12u18`. */
  package: string;
}

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const fieldsOf = (value: unknown): Fields => (isObject(value) ? value : {});
const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const unexpected = (line: string): KataError =>
  new KataError('data-loss', `a QMP message is expected, found ${JSON.stringify(line.slice(0, 100))}`);

/** One line of QMP. Throws `data-loss` for what is none: QEMU may have been taken over by its guest. */
export function parseQmpMessage(line: string): QmpMessage {
  let message: unknown;
  try {
    message = JSON.parse(line);
  } catch {
    throw unexpected(line);
  }
  if (!isObject(message)) throw unexpected(line);
  if ('return' in message && typeof message.id === 'number')
    return { kind: 'return', id: message.id, result: message.return };
  if (isObject(message.error)) {
    const id = typeof message.id === 'number' ? message.id : null;
    return { kind: 'error', id, errorClass: textOf(message.error.class), description: textOf(message.error.desc) };
  }
  if (typeof message.event === 'string') return { kind: 'event', event: message.event, data: fieldsOf(message.data) };
  if (isObject(message.QMP)) {
    const version = fieldsOf(message.QMP.version);
    const { major, minor, micro } = fieldsOf(version.qemu);
    return {
      kind: 'greeting',
      version: {
        major: numberOf(major),
        minor: numberOf(minor),
        micro: numberOf(micro),
        package: textOf(version.package),
      },
    };
  }
  throw unexpected(line);
}

/** Bytes to lines of at most `maxBytes`; a longer one is `data-loss`, so that nobody fills our memory. */
export class LineSplitter {
  readonly #maxBytes: number;
  #pieces: Uint8Array[] = [];
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The lines that these bytes end, without their line ends; empty ones are left out. */
  push(bytes: Uint8Array): string[] {
    const lines: string[] = [];
    let start = 0;
    for (;;) {
      const end = bytes.indexOf(0x0a, start);
      const piece = bytes.subarray(start, end < 0 ? bytes.length : end);
      this.#length += piece.length;
      if (this.#length > this.#maxBytes)
        throw new KataError(
          'data-loss',
          `a QMP message of at most ${this.#maxBytes} bytes is expected, found a longer one`,
        );
      // The reader's buffer may be used again: what stays is copied.
      this.#pieces.push(end < 0 ? piece.slice() : piece);
      if (end < 0) return lines;
      const line = utf8Decode(concatenate(this.#pieces)).trim();
      this.#pieces = [];
      this.#length = 0;
      if (line !== '') lines.push(line);
      start = end + 1;
    }
  }
}
