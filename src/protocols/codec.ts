import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';

/** A message as a caller may give it: what is left out, or undefined, has its default. */
export type DeepPartial<T> = T extends Uint8Array | string | number | boolean | bigint | undefined
  ? T
  : T extends readonly (infer U)[]
    ? readonly DeepPartial<U>[]
    : T extends object
      ? { readonly [K in keyof T]?: DeepPartial<T[K]> | undefined }
      : T;

/** A message's codec. `gen/` has one under the name of each message. */
export interface MessageType<T> {
  /** Appends the message to `writer`; `.finish()` gives the bytes. Throws when a number doesn't fit its field. */
  encode(message: DeepPartial<T>, writer?: BinaryWriter): BinaryWriter;
  /**
   * The message's bytes in pieces to be sent one after the other. A large field of bytes is a piece of its own, not a
   * copy: it must not change until the pieces are sent.
   */
  encodeChunks(message: DeepPartial<T>): Uint8Array[];
  /**
   * Throws an Error when the bytes are not such a message. Fields that aren't known are skipped; fields of bytes are
   * views of `input`.
   */
  decode(input: Uint8Array): T;
  /** The whole message, defaults filled in at every depth. */
  create(message?: DeepPartial<T>): T;
}

/**
 * What a field holds: a letter each, so that a message is one short string in the program. string s, bytes y, bool b,
 * double d, int32 i, uint32 u, int64 I, uint64 U, enum e, message m.
 */
type Kind = 's' | 'y' | 'b' | 'd' | 'i' | 'u' | 'I' | 'U' | 'e' | 'm';
/** once; many times; once, undefined when absent; by string keys. */
type Shape = 'single' | 'list' | 'optional' | 'map';
type Fields = Record<string, unknown>;

interface Field {
  readonly name: string;
  readonly kind: Kind;
  readonly shape: Shape;
  readonly number: number;
  /** The tag of one value; a packed list has `packedTag` instead. */
  readonly tag: number;
  readonly packedTag: number;
  /** The message, when it is one. */
  readonly type: TableMessage | undefined;
}

const VARINT = 0;
const BITS_64 = 1;
const LENGTH_DELIMITED = 2;
const WIRE_TYPE: Readonly<Record<Kind, number>> = {
  ...{ s: LENGTH_DELIMITED, y: LENGTH_DELIMITED, m: LENGTH_DELIMITED, d: BITS_64 },
  ...{ b: VARINT, i: VARINT, u: VARINT, I: VARINT, U: VARINT, e: VARINT },
};
const SHAPE: Readonly<Record<string, Shape>> = { '': 'single', '*': 'list', '?': 'optional', '%': 'map' };
/** Key and value of a map's entry, which is a message with these fields. */
const MAP_KEY_TAG = (1 << 3) | LENGTH_DELIMITED;
const MAP_VALUE_NUMBER = 2;
/** From this size on, a copy costs more than one more piece to send. */
const LARGE_BYTES = 4096;
const NO_BYTES = new Uint8Array(0);

/**
 * The codec of a message that a table describes: `number:name:kind` with a space between the fields; after the kind, `*`
 * for a list, `?` for a field that may be absent, `%` for a map with string keys. `types` are those of the fields of kind
 * m, in their order.
 *
 * Tables instead of code for each message: the shim's 200 messages as code took 1.7 ms of its start, 1 MiB of memory and
 * 300 KiB of the program. A table is read when its message is first used.
 */
export function message<T>(table: string, types: () => readonly MessageType<unknown>[] = () => []): MessageType<T> {
  return new TableMessage(table, types) as unknown as MessageType<T>;
}

class TableMessage {
  readonly #table: string;
  readonly #types: () => readonly unknown[];
  #list: readonly Field[] | undefined;
  readonly #byNumber: (Field | undefined)[] = [];

  constructor(table: string, types: () => readonly unknown[]) {
    this.#table = table;
    this.#types = types;
  }

  encode(fields: Fields, writer = new BinaryWriter()): BinaryWriter {
    this.#write(fields, writer, undefined);
    return writer;
  }

  encodeChunks(fields: Fields): Uint8Array[] {
    const chunks: Uint8Array[] = [];
    const writer = new BinaryWriter();
    this.#write(fields, writer, chunks);
    const rest = writer.finish();
    if (rest.length > 0) chunks.push(rest);
    return chunks;
  }

  decode(input: Uint8Array): Fields {
    const reader = new BinaryReader(input);
    return this.#read(reader, reader.len);
  }

  create(given: Fields = {}): Fields {
    const fields = this.#defaults();
    for (const { name, shape, type } of this.#fields()) {
      const value = given[name];
      if (value === undefined) continue;
      if (shape === 'list') {
        fields[name] =
          type === undefined ? [...(value as unknown[])] : (value as Fields[]).map((one) => type.create(one));
      } else if (shape === 'map') {
        for (const [key, one] of Object.entries(value as Fields)) {
          setOwn(fields[name] as Fields, key, type === undefined ? one : type.create(one as Fields));
        }
      } else {
        fields[name] = type === undefined ? value : type.create(value as Fields);
      }
    }
    return fields;
  }

  #fields(): readonly Field[] {
    if (this.#list !== undefined) return this.#list;
    const types = this.#types() as readonly TableMessage[];
    let nextType = 0;
    this.#list =
      this.#table === ''
        ? []
        : this.#table.split(' ').map((entry) => {
            const [digits = '', name = '', kindAndShape = ''] = entry.split(':');
            const number = Number(digits);
            const kind = kindAndShape.charAt(0) as Kind;
            const shape = SHAPE[kindAndShape.slice(1)]!;
            const isPacked = shape === 'list' && WIRE_TYPE[kind] !== LENGTH_DELIMITED;
            const field: Field = {
              name,
              kind,
              shape,
              number,
              tag: ((number << 3) | (shape === 'map' ? LENGTH_DELIMITED : WIRE_TYPE[kind])) >>> 0,
              packedTag: isPacked ? ((number << 3) | LENGTH_DELIMITED) >>> 0 : 0,
              type: kind === 'm' ? types[nextType++] : undefined,
            };
            this.#byNumber[number] = field;
            return field;
          });
    return this.#list;
  }

  #defaults(): Fields {
    const fields: Fields = {};
    for (const { name, kind, shape } of this.#fields()) {
      if (shape === 'single') fields[name] = defaultOf(kind);
      else if (shape === 'list') fields[name] = [];
      else fields[name] = shape === 'map' ? {} : undefined;
    }
    return fields;
  }

  #write(fields: Fields, writer: BinaryWriter, chunks: Uint8Array[] | undefined): void {
    for (const field of this.#fields()) {
      const value = fields[field.name];
      if (value === undefined) continue;
      switch (field.shape) {
        case 'single':
          if (value === defaultOf(field.kind)) break;
          if (field.kind === 'y') writeBytes(writer, field.tag, value as Uint8Array, chunks);
          else writeValue(writer.uint32(field.tag), field, value);
          break;
        case 'optional':
          writeValue(writer.uint32(field.tag), field, value);
          break;
        case 'list':
          writeList(writer, field, value as readonly unknown[]);
          break;
        case 'map':
          for (const [key, one] of Object.entries(value as Fields)) {
            writer.uint32(field.tag).fork().uint32(MAP_KEY_TAG).string(key);
            writeValue(writer.uint32((MAP_VALUE_NUMBER << 3) | WIRE_TYPE[field.kind]), field, one);
            writer.join();
          }
      }
    }
  }

  #read(reader: BinaryReader, end: number): Fields {
    const fields = this.#defaults();
    while (reader.pos < end) {
      const tag = reader.uint32();
      const field = this.#byNumber[tag >>> 3];
      if (field === undefined) {
        skip(reader, tag);
      } else if (tag === field.tag) {
        if (field.shape === 'list') (fields[field.name] as unknown[]).push(readValue(reader, field, end));
        else if (field.shape === 'map') readEntry(reader, field, fields[field.name] as Fields, end);
        else fields[field.name] = readValue(reader, field, end);
      } else if (tag === field.packedTag) {
        const listEnd = endOf(reader, end);
        while (reader.pos < listEnd) (fields[field.name] as unknown[]).push(readValue(reader, field, listEnd));
        checkEnd(reader, listEnd);
      } else {
        skip(reader, tag);
      }
    }
    checkEnd(reader, end);
    return fields;
  }

  /** Reads the message that follows its length. */
  readNested(reader: BinaryReader, end: number): Fields {
    return this.#read(reader, endOf(reader, end));
  }

  /** Writes the message after its length. */
  writeNested(writer: BinaryWriter, fields: Fields): void {
    writer.fork();
    this.#write(fields, writer, undefined);
    writer.join();
  }
}

function defaultOf(kind: Kind): unknown {
  switch (kind) {
    case 's':
      return '';
    case 'y':
      return NO_BYTES;
    case 'b':
      return false;
    case 'I':
    case 'U':
      return 0n;
    case 'm':
      return undefined;
    default:
      return 0;
  }
}

function writeBytes(writer: BinaryWriter, tag: number, bytes: Uint8Array, chunks: Uint8Array[] | undefined): void {
  if (bytes.length === 0) return;
  writer.uint32(tag);
  if (chunks === undefined || bytes.length < LARGE_BYTES) writer.bytes(bytes);
  else chunks.push(writer.uint32(bytes.length).finish(), bytes);
}

function writeList(writer: BinaryWriter, field: Field, values: readonly unknown[]): void {
  if (values.length === 0) return;
  if (field.packedTag === 0) {
    for (const value of values) writeValue(writer.uint32(field.tag), field, value);
    return;
  }
  writer.uint32(field.packedTag).fork();
  for (const value of values) writeValue(writer, field, value);
  writer.join();
}

function writeValue(writer: BinaryWriter, field: Field, value: unknown): void {
  switch (field.kind) {
    case 's':
      writer.string(value as string);
      break;
    case 'y':
      writer.bytes(value as Uint8Array);
      break;
    case 'b':
      writer.bool(value as boolean);
      break;
    case 'd':
      writer.double(value as number);
      break;
    case 'u':
      writer.uint32(value as number);
      break;
    case 'I':
      writer.int64(value as bigint);
      break;
    case 'U':
      writer.uint64(value as bigint);
      break;
    case 'm':
      field.type!.writeNested(writer, value as Fields);
      break;
    default:
      writer.int32(value as number);
  }
}

function readValue(reader: BinaryReader, field: Field, end: number): unknown {
  switch (field.kind) {
    case 's':
      return reader.string();
    case 'y':
      return reader.bytes();
    case 'b':
      return reader.bool();
    case 'd':
      return reader.double();
    case 'u':
      return reader.uint32();
    case 'I':
      return reader.int64();
    case 'U':
      return reader.uint64();
    case 'm':
      return field.type!.readNested(reader, end);
    default:
      return reader.int32();
  }
}

function readEntry(reader: BinaryReader, field: Field, map: Fields, outerEnd: number): void {
  const end = endOf(reader, outerEnd);
  let key = '';
  let value = field.type === undefined ? defaultOf(field.kind) : undefined;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === MAP_KEY_TAG) key = reader.string();
    else if (tag === ((MAP_VALUE_NUMBER << 3) | WIRE_TYPE[field.kind])) value = readValue(reader, field, end);
    else skip(reader, tag);
  }
  checkEnd(reader, end);
  setOwn(map, key, value ?? field.type!.create());
}

/** A peer chooses the key: `__proto__` must become a property like any other. */
function setOwn(map: Fields, key: string, value: unknown): void {
  if (key !== '__proto__') map[key] = value;
  else Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
}

function skip(reader: BinaryReader, tag: number): void {
  if (tag >>> 3 === 0) throw new Error('a field has number 0');
  reader.skip(tag & 7, tag >>> 3);
}

function endOf(reader: BinaryReader, outerEnd: number): number {
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > outerEnd) throw new Error(`a field of ${length} bytes is longer than what it is in`);
  return end;
}

function checkEnd(reader: BinaryReader, end: number): void {
  if (reader.pos !== end) throw new Error('a field is longer than the message it is in');
}
