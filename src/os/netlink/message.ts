import { KataError } from '../../errors/kata-error.ts';
import { concatenate } from '../bytes.ts';
import { Attributes } from './attribute.ts';

/** Flags of a message (`linux/netlink.h`). */
export const NLM_F = {
  REQUEST: 0x1,
  MULTI: 0x2,
  ACK: 0x4,
  /** The listing changed while it was read. */
  DUMP_INTR: 0x10,
  /** Of an answer with an error: the request is not repeated in it. */
  CAPPED: 0x100,
  /** Of an answer with an error: attributes follow. */
  ACK_TLVS: 0x200,
  DUMP: 0x300,
  /** Of a request that makes something: an existing one is replaced. */
  REPLACE: 0x100,
  /** An existing one is an error. */
  EXCL: 0x200,
  /** It is made when there is none. */
  CREATE: 0x400,
  APPEND: 0x800,
} as const;

/** Message types of netlink itself. */
export const NLMSG = { NOOP: 1, ERROR: 2, DONE: 3, OVERRUN: 4 } as const;

const HEADER = 16;
const NLMSGERR_ATTR_MSG = 1;

const align = (length: number): number => (length + 3) & ~3;

/** A request to the kernel before it has a sequence number. */
export interface Request {
  type: number;
  /** `NLM_F` beside REQUEST, ACK and DUMP, which the socket sets. */
  flags: number;
  /** The family's own header and attributes. */
  payload: Uint8Array;
  /** What it does, for errors: `add the route 10.0.0.0/8`. */
  what: string;
}

/** A message from the kernel; `payload` is a view of what was received. */
export interface Message {
  type: number;
  flags: number;
  sequence: number;
  payload: Uint8Array;
}

/** One message: header and payload, filled up to 4 bytes. The sender's port is left to the kernel. */
export function encodeMessage(type: number, flags: number, sequence: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(align(HEADER + payload.length));
  const fields = new DataView(bytes.buffer);
  fields.setUint32(0, HEADER + payload.length, true);
  fields.setUint16(4, type, true);
  fields.setUint16(6, flags, true);
  fields.setUint32(8, sequence, true);
  bytes.set(payload, HEADER);
  return bytes;
}

/** The messages of one datagram. What does not hold together is `data-loss`. */
export function decodeMessages(bytes: Uint8Array): Message[] {
  const fields = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const messages: Message[] = [];
  for (let at = 0; at + HEADER <= bytes.length; ) {
    const length = fields.getUint32(at, true);
    if (length < HEADER || at + length > bytes.length)
      throw new KataError('data-loss', `a netlink message of ${length} bytes does not fit into ${bytes.length - at}`);
    messages.push({
      type: fields.getUint16(at + 4, true),
      flags: fields.getUint16(at + 6, true),
      sequence: fields.getUint32(at + 8, true),
      payload: bytes.subarray(at + HEADER, at + length),
    });
    at += align(length);
  }
  return messages;
}

/** The outcome in an ERROR or DONE message. */
export interface Outcome {
  /** The errno, 0 for success. */
  errno: number;
  /** The kernel's own words (NETLINK_EXT_ACK), where it has some. A success may carry a warning. */
  said: string | undefined;
}

/** Reads an ERROR message (the acknowledgement as well) or the DONE that ends a listing. */
export function decodeOutcome({ type, flags, payload }: Message): Outcome {
  if (payload.length < 4) return { errno: 0, said: undefined };
  const fields = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const errno = 0 - fields.getInt32(0, true);
  if ((flags & NLM_F.ACK_TLVS) === 0) return { errno, said: undefined };
  let attributesAt = 4;
  if (type === NLMSG.ERROR) {
    const requestLength = payload.length >= 8 ? fields.getUint32(4, true) : HEADER;
    attributesAt += (flags & NLM_F.CAPPED) !== 0 ? HEADER : align(requestLength);
  }
  const said = new Attributes(payload.subarray(Math.min(attributesAt, payload.length))).string(NLMSGERR_ATTR_MSG);
  return { errno, said };
}

/** A payload: the family's fixed header, then attributes. */
export function payloadOf(header: Uint8Array, attributes: Uint8Array): Uint8Array {
  return concatenate([header, attributes]);
}
