import type { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';

/**
 * What a field holds, a letter each so that a message is one short string in the program: string s, bytes y, bool b,
 * double d, int32 i, uint32 u, int64 I, uint64 U, enum e, message m.
 */
export type Kind = 's' | 'y' | 'b' | 'd' | 'i' | 'u' | 'I' | 'U' | 'e' | 'm';

/** Whether a field holds one value, one or none, many, or many by string keys. */
export type Shape = 'single' | 'optional' | 'list' | 'map';

/** A message as its codec sees it. */
export type Fields = Record<string, unknown>;

/** A message within a message. */
export interface NestedType {
  create(given?: Fields): Fields;
  /** Reads the length and the message. */
  readNested(reader: BinaryReader, outerEnd: number): Fields;
  /** Writes the length and the message. */
  writeNested(writer: BinaryWriter, fields: Fields): void;
}

/** One field of a message. */
export interface Field {
  readonly name: string;
  readonly number: number;
  readonly kind: Kind;
  readonly shape: Shape;
  /** The tag of a value, of an entry of a map. */
  readonly tag: number;
  /** The tag of a packed list, 0 when the kind isn't packed. */
  readonly packedTag: number;
  /** What a single or optional field holds when it is absent. */
  readonly absent: unknown;
  readonly type: NestedType | undefined;
}

/** Protobuf's wire types. */
const VARINT = 0;
const BITS_64 = 1;
const LENGTH_DELIMITED = 2;

const NO_BYTES = new Uint8Array(0);

const WIRE_TYPE: Readonly<Record<Kind, number>> = {
  ...{ s: LENGTH_DELIMITED, y: LENGTH_DELIMITED, m: LENGTH_DELIMITED, d: BITS_64 },
  ...{ b: VARINT, i: VARINT, u: VARINT, I: VARINT, U: VARINT, e: VARINT },
};

const SHAPE: Readonly<Record<string, Shape>> = { '': 'single', '?': 'optional', '*': 'list', '%': 'map' };

const ABSENT: Readonly<Record<Kind, unknown>> = {
  ...{ s: '', y: NO_BYTES, b: false, d: 0, i: 0, u: 0, e: 0, I: 0n, U: 0n, m: undefined },
};

/** The tags of a map's entry, which is a message of a key and a value. */
export const MAP_KEY_TAG = (1 << 3) | LENGTH_DELIMITED;
export const mapValueTag = (kind: Kind): number => (2 << 3) | WIRE_TYPE[kind];

/** What a value of this kind is when it isn't on the wire. */
export const absentValue = (kind: Kind): unknown => ABSENT[kind];

/** The fields of a table, see `message` in codec.ts. */
export function parseTable(table: string, types: readonly NestedType[]): Field[] {
  let nextType = 0;
  if (table === '') return [];
  return table.split(' ').map((entry) => {
    const [digits = '', name = '', letters = ''] = entry.split(':');
    const number = Number(digits);
    const kind = letters.charAt(0) as Kind;
    const shape = SHAPE[letters.slice(1)]!;
    const isPacked = shape === 'list' && WIRE_TYPE[kind] !== LENGTH_DELIMITED;
    return {
      name,
      number,
      kind,
      shape,
      tag: (number << 3) | (shape === 'map' ? LENGTH_DELIMITED : WIRE_TYPE[kind]),
      packedTag: isPacked ? (number << 3) | LENGTH_DELIMITED : 0,
      absent: shape === 'single' ? ABSENT[kind] : undefined,
      type: kind === 'm' ? types[nextType++] : undefined,
    };
  });
}
