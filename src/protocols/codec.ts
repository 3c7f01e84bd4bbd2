import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { type Field, type Fields, type NestedType, parseTable } from './message-table.ts';
import {
  checkEnd,
  readEnd,
  readMapEntry,
  readPackedList,
  readValue,
  setOwn,
  skipField,
  writeList,
  writeMap,
  writeValue,
} from './wire-value.ts';

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
   * views of `input`. A field that comes twice counts as it came last.
   */
  decode(input: Uint8Array): T;
  /** The whole message, defaults filled in at every depth. */
  create(message?: DeepPartial<T>): T;
}

/** From this size on, a copy costs more than one more piece to send. */
const LARGE_BYTES = 4096;

/**
 * The codec of a message that a table describes: `number:name:kind` with a space between the fields; after the kind (see
 * `Kind`), `*` for a list, `?` for a field that may be absent, `%` for a map with string keys. `types` are those of the
 * fields of kind m, in their order.
 *
 * Tables instead of code for each message: the shim's 200 messages as code took 1.7 ms of its start, 1 MiB of memory and
 * 300 KiB of the program. A table is read when its message is first used.
 */
export function message<T>(table: string, types: () => readonly MessageType<unknown>[] = () => []): MessageType<T> {
  return new TableMessage(table, types) as unknown as MessageType<T>;
}

class TableMessage implements NestedType {
  private readonly table: string;
  private readonly types: () => readonly unknown[];
  private fields: readonly Field[] | undefined;
  private byNumber: (Field | undefined)[] = [];

  constructor(table: string, types: () => readonly unknown[]) {
    this.table = table;
    this.types = types;
  }

  encode(given: Fields, writer = new BinaryWriter()): BinaryWriter {
    this.write(given, writer, undefined);
    return writer;
  }

  encodeChunks(given: Fields): Uint8Array[] {
    const chunks: Uint8Array[] = [];
    const writer = new BinaryWriter();
    this.write(given, writer, chunks);
    const rest = writer.finish();
    if (rest.length > 0) chunks.push(rest);
    return chunks;
  }

  decode(input: Uint8Array): Fields {
    const reader = new BinaryReader(input);
    return this.read(reader, reader.len);
  }

  create(given: Fields = {}): Fields {
    const fields = this.fields ?? this.parse();
    const result = defaultsOf(fields);
    for (const { name, shape, type } of fields) {
      const value = given[name];
      if (value === undefined) continue;
      if (shape === 'list') {
        const list = value as readonly Fields[];
        result[name] = type === undefined ? [...list] : list.map((one) => type.create(one));
      } else if (shape === 'map') {
        for (const [key, one] of Object.entries(value as Fields)) {
          setOwn(result[name] as Fields, key, type === undefined ? one : type.create(one as Fields));
        }
      } else {
        result[name] = type === undefined ? value : type.create(value as Fields);
      }
    }
    return result;
  }

  readNested(reader: BinaryReader, outerEnd: number): Fields {
    return this.read(reader, readEnd(reader, outerEnd));
  }

  writeNested(writer: BinaryWriter, given: Fields): void {
    writer.fork();
    this.write(given, writer, undefined);
    writer.join();
  }

  private parse(): readonly Field[] {
    const fields = parseTable(this.table, this.types() as readonly NestedType[]);
    for (const field of fields) this.byNumber[field.number] = field;
    this.fields = fields;
    return fields;
  }

  private write(given: Fields, writer: BinaryWriter, chunks: Uint8Array[] | undefined): void {
    const fields = this.fields ?? this.parse();
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i]!;
      const value = given[field.name];
      if (value === undefined || value === field.absent) continue;
      if (field.shape === 'list') writeList(writer, field, value as readonly unknown[]);
      else if (field.shape === 'map') writeMap(writer, field, value as Fields);
      else if (field.kind !== 'y') writeValue(writer.uint32(field.tag), field, value);
      else writeBytes(writer, field, value as Uint8Array, chunks);
    }
  }

  private read(reader: BinaryReader, end: number): Fields {
    const result = defaultsOf(this.fields ?? this.parse());
    const { byNumber } = this;
    while (reader.pos < end) {
      const tag = reader.uint32();
      const field = byNumber[tag >>> 3];
      if (field === undefined) {
        skipField(reader, tag);
      } else if (tag === field.tag) {
        if (field.shape === 'list') (result[field.name] as unknown[]).push(readValue(reader, field, end));
        else if (field.shape === 'map') readMapEntry(reader, field, result[field.name] as Fields, end);
        else result[field.name] = readValue(reader, field, end);
      } else if (tag === field.packedTag) {
        readPackedList(reader, field, result[field.name] as unknown[], end);
      } else {
        skipField(reader, tag);
      }
    }
    checkEnd(reader, end);
    return result;
  }
}

function defaultsOf(fields: readonly Field[]): Fields {
  const result: Fields = {};
  for (let i = 0; i < fields.length; i++) {
    const { name, shape, absent } = fields[i]!;
    result[name] = shape === 'list' ? [] : shape === 'map' ? {} : absent;
  }
  return result;
}

function writeBytes(writer: BinaryWriter, field: Field, bytes: Uint8Array, chunks: Uint8Array[] | undefined): void {
  if (bytes.length === 0 && field.shape === 'single') return;
  writer.uint32(field.tag);
  if (chunks === undefined || bytes.length < LARGE_BYTES) writer.bytes(bytes);
  else chunks.push(writer.uint32(bytes.length).finish(), bytes);
}
