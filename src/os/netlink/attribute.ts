import { KataError } from '../../errors/kata-error.ts';
import { concatenate } from '../bytes.ts';
import { utf8Decode, utf8Encode } from '../utf8.ts';

/**
 * Netlink attributes: u16 length, u16 type, value, filled up to 4 bytes (netlink(7)). Numbers are in the machine's own
 * order, which is little-endian on every machine that is served.
 */
const HEADER = 4;
const NLA_F_NESTED = 0x8000;
const TYPE_MASK = 0x3fff;

const align = (length: number): number => (length + 3) & ~3;

/** Attributes being written. Every method gives the writer itself. */
export class AttributeWriter {
  readonly #pieces: Uint8Array[] = [];

  bytes(type: number, value: Uint8Array): this {
    const piece = new Uint8Array(align(HEADER + value.length));
    const fields = new DataView(piece.buffer);
    fields.setUint16(0, HEADER + value.length, true);
    fields.setUint16(2, type, true);
    piece.set(value, HEADER);
    this.#pieces.push(piece);
    return this;
  }

  /** An attribute whose presence is all it says. */
  flag(type: number): this {
    return this.bytes(type, new Uint8Array(0));
  }

  u8(type: number, value: number): this {
    return this.bytes(type, Uint8Array.of(value));
  }

  u16(type: number, value: number): this {
    return this.bytes(type, Uint8Array.of(value, value >>> 8));
  }

  u32(type: number, value: number): this {
    return this.bytes(type, new Uint8Array(new Uint32Array([value]).buffer));
  }

  u64(type: number, value: bigint): this {
    return this.bytes(type, new Uint8Array(new BigUint64Array([value]).buffer));
  }

  /** Text with a NUL behind. */
  string(type: number, value: string): this {
    return this.bytes(type, utf8Encode(`${value}\0`));
  }

  nested(type: number, fill: (inner: AttributeWriter) => void): this {
    const inner = new AttributeWriter();
    fill(inner);
    return this.bytes(type | NLA_F_NESTED, inner.encoded());
  }

  encoded(): Uint8Array {
    return concatenate(this.#pieces);
  }
}

/** One attribute that was read; `value` is a view of the message. */
export interface Attribute {
  type: number;
  value: Uint8Array;
}

/** The attributes of a message or of a nested attribute, in their order. What does not hold together is `data-loss`. */
export function listAttributes(bytes: Uint8Array): Attribute[] {
  const fields = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const attributes: Attribute[] = [];
  for (let at = 0; at + HEADER <= bytes.length; ) {
    const length = fields.getUint16(at, true);
    if (length < HEADER || at + length > bytes.length)
      throw new KataError('data-loss', `a netlink attribute of ${length} bytes does not fit into ${bytes.length - at}`);
    attributes.push({
      type: fields.getUint16(at + 2, true) & TYPE_MASK,
      value: bytes.subarray(at + HEADER, at + length),
    });
    at += align(length);
  }
  return attributes;
}

/** Attributes by type; of several with one type the last. */
export class Attributes {
  readonly #values: Map<number, Uint8Array>;

  constructor(bytes: Uint8Array) {
    this.#values = new Map(listAttributes(bytes).map(({ type, value }) => [type, value]));
  }

  bytes(type: number): Uint8Array | undefined {
    return this.#values.get(type);
  }

  u8(type: number): number | undefined {
    return this.#view(type, 1)?.getUint8(0);
  }

  u16(type: number): number | undefined {
    return this.#view(type, 2)?.getUint16(0, true);
  }

  u32(type: number): number | undefined {
    return this.#view(type, 4)?.getUint32(0, true);
  }

  u64(type: number): bigint | undefined {
    return this.#view(type, 8)?.getBigUint64(0, true);
  }

  string(type: number): string | undefined {
    const value = this.#values.get(type);
    if (value === undefined) return undefined;
    const end = value.indexOf(0);
    return utf8Decode(end < 0 ? value : value.subarray(0, end));
  }

  nested(type: number): Attributes | undefined {
    const value = this.#values.get(type);
    return value === undefined ? undefined : new Attributes(value);
  }

  #view(type: number, size: number): DataView | undefined {
    const value = this.#values.get(type);
    if (value === undefined) return undefined;
    if (value.length < size)
      throw new KataError('data-loss', `netlink attribute ${type} of ${size} bytes is expected, found ${value.length}`);
    return new DataView(value.buffer, value.byteOffset, value.byteLength);
  }
}
