import { KataError } from '../../errors/kata-error.ts';
import { type DbusValue, marshal, unmarshal, type Variant } from './marshal.ts';

/** The kinds of message (D-Bus Specification, Message Format). */
export const MESSAGE = { CALL: 1, RETURN: 2, ERROR: 3, SIGNAL: 4 } as const;

/** A message; which fields it has is its type's affair. */
export interface DbusMessage {
  type: number;
  serial: number;
  path?: string | undefined;
  interface?: string | undefined;
  member?: string | undefined;
  errorName?: string | undefined;
  /** The serial of the call that this one answers. */
  replySerial?: number | undefined;
  destination?: string | undefined;
  signature: string;
  body: readonly DbusValue[];
}

/** Header fields by their codes, with their types. */
const FIELDS = [
  ['path', 1, 'o'],
  ['interface', 2, 's'],
  ['member', 3, 's'],
  ['errorName', 4, 's'],
  ['replySerial', 5, 'u'],
  ['destination', 6, 's'],
  ['signature', 8, 'g'],
] as const;
const LITTLE_ENDIAN = 0x6c;
const FIXED_BYTES = 16;
const MAX_MESSAGE_BYTES = 128 * 1024 * 1024;

const padded = (length: number): number => Math.ceil(length / 8) * 8;

export function encodeMessage(message: DbusMessage): Uint8Array {
  const body = marshal(message.signature, message.body);
  const fields = FIELDS.flatMap(([name, code, type]): [number, Variant][] => {
    const value = message[name];
    return value === undefined || value === '' ? [] : [[code, { type, value }]];
  });
  const values = [LITTLE_ENDIAN, message.type, 0, 1, body.length, message.serial, fields];
  const header = marshal('yyyyuua(yv)', values);
  const bytes = new Uint8Array(padded(header.length) + body.length);
  bytes.set(header);
  bytes.set(body, padded(header.length));
  return bytes;
}

/** How long the message is that begins here; null while too little of it is there to tell. `data-loss` for no message. */
export function messageLength(bytes: Uint8Array): number | null {
  if (bytes.length < FIXED_BYTES) return null;
  if (bytes[0] !== LITTLE_ENDIAN || bytes[3] !== 1)
    throw new KataError('data-loss', 'a little-endian D-Bus message of version 1 is expected, found something else');
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const length = padded(FIXED_BYTES + view.getUint32(12, true)) + view.getUint32(4, true);
  if (length > MAX_MESSAGE_BYTES) throw new KataError('data-loss', `a D-Bus message of ${length} bytes is refused`);
  return length;
}

/** One whole message. */
export function decodeMessage(bytes: Uint8Array): DbusMessage {
  const header = unmarshal('yyyyuua(yv)', bytes);
  const [, type, , , bodyLength, serial] = header as number[] as [number, number, number, number, number, number];
  const fields = header[6] as unknown as readonly [number, Variant][];
  const message: DbusMessage = { type, serial, signature: '', body: [] };
  for (const [code, { value }] of fields) {
    const field = FIELDS.find((each) => each[1] === code);
    if (field !== undefined) Object.assign(message, { [field[0]]: value });
  }
  message.body = unmarshal(message.signature, bytes.slice(bytes.length - bodyLength));
  return message;
}
