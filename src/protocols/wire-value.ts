import type { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { absentValue, type Field, type Fields, MAP_KEY_TAG, mapValueTag } from './message-table.ts';

/** Writes one value, its tag written before. */
export function writeValue(writer: BinaryWriter, field: Field, value: unknown): void {
  switch (field.kind) {
    case 's':
      writer.string(value as string);
      break;
    case 'm':
      field.type!.writeNested(writer, value as Fields);
      break;
    case 'u':
      writer.uint32(value as number);
      break;
    case 'y':
      writer.bytes(value as Uint8Array);
      break;
    case 'b':
      writer.bool(value as boolean);
      break;
    case 'U':
      writer.uint64(value as bigint);
      break;
    case 'I':
      writer.int64(value as bigint);
      break;
    case 'd':
      writer.double(value as number);
      break;
    default:
      writer.int32(value as number);
  }
}

/** Reads one value, its tag read before. */
export function readValue(reader: BinaryReader, field: Field, end: number): unknown {
  switch (field.kind) {
    case 's':
      return reader.string();
    case 'm':
      return field.type!.readNested(reader, end);
    case 'u':
      return reader.uint32();
    case 'y':
      return reader.bytes();
    case 'b':
      return reader.bool();
    case 'U':
      return reader.uint64();
    case 'I':
      return reader.int64();
    case 'd':
      return reader.double();
    default:
      return reader.int32();
  }
}

/** Writes a list: numbers packed, as proto3 has them. */
export function writeList(writer: BinaryWriter, field: Field, values: readonly unknown[]): void {
  if (values.length === 0) return;
  if (field.packedTag === 0) {
    for (const value of values) writeValue(writer.uint32(field.tag), field, value);
    return;
  }
  writer.uint32(field.packedTag).fork();
  for (const value of values) writeValue(writer, field, value);
  writer.join();
}

/** Reads a packed list into `values`. */
export function readPackedList(reader: BinaryReader, field: Field, values: unknown[], outerEnd: number): void {
  const end = readEnd(reader, outerEnd);
  while (reader.pos < end) values.push(readValue(reader, field, end));
  checkEnd(reader, end);
}

/** Writes a map, each entry whole, as protobuf's own libraries do. */
export function writeMap(writer: BinaryWriter, field: Field, map: Fields): void {
  for (const key of Object.keys(map)) {
    writer.uint32(field.tag).fork().uint32(MAP_KEY_TAG).string(key);
    writeValue(writer.uint32(mapValueTag(field.kind)), field, map[key]);
    writer.join();
  }
}

/** Reads one entry into `map`. */
export function readMapEntry(reader: BinaryReader, field: Field, map: Fields, outerEnd: number): void {
  const end = readEnd(reader, outerEnd);
  let key = '';
  let value = absentValue(field.kind);
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === MAP_KEY_TAG) key = reader.string();
    else if (tag === mapValueTag(field.kind)) value = readValue(reader, field, end);
    else skipField(reader, tag);
  }
  checkEnd(reader, end);
  setOwn(map, key, value ?? field.type!.create());
}

/** Sets a property of whatever name: a peer chooses it, and `__proto__` must be one like any other. */
export function setOwn(map: Fields, key: string, value: unknown): void {
  if (key !== '__proto__') map[key] = value;
  else Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
}

/** Skips a field that isn't known, or isn't of the kind that is expected. */
export function skipField(reader: BinaryReader, tag: number): void {
  if (tag >>> 3 === 0) throw new Error('a field has number 0');
  reader.skip(tag & 7, tag >>> 3);
}

/** Reads a length: where what follows ends. */
export function readEnd(reader: BinaryReader, outerEnd: number): number {
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > outerEnd) throw new Error(`a field of ${length} bytes is longer than what it is in`);
  return end;
}

/** A message's fields end exactly where it ends. */
export function checkEnd(reader: BinaryReader, end: number): void {
  if (reader.pos !== end) throw new Error('a field is longer than the message it is in');
}
