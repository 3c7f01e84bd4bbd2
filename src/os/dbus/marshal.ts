import { KataError } from '../../errors/kata-error.ts';
import { alignmentOf, firstType, typesOf } from './signature.ts';

/**
 * A value of D-Bus: strings (also paths and signatures), booleans, numbers, bigints for 64 bits, lists for arrays,
 * structures and the two of an entry, and variants.
 */
export type DbusValue = string | boolean | number | bigint | readonly DbusValue[] | Variant;

/** A value that brings its type along. */
export interface Variant {
  /** One complete type. */
  type: string;
  value: DbusValue;
}

/** Arrays longer than this are refused, as the specification has it. */
const MAX_ARRAY_BYTES = 64 * 1024 * 1024;
/** Nesting of a variant in a variant; the specification's limit. */
const MAX_DEPTH = 64;

/** Made when first needed: most programs never speak D-Bus. */
const utf8: { encoder?: InstanceType<typeof TextEncoder>; decoder?: InstanceType<typeof TextDecoder> } = {};

/** Values of a signature as D-Bus's little-endian bytes (D-Bus Specification, Marshaling). */
export function marshal(signature: string, values: readonly DbusValue[]): Uint8Array {
  const writer = new Writer();
  typesOf(signature).forEach((type, index) => {
    writer.write(type, values[index]!);
  });
  return writer.bytes;
}

class Writer {
  #buffer = new Uint8Array(256);
  #view = new DataView(this.#buffer.buffer);
  #length = 0;

  get bytes(): Uint8Array {
    return this.#buffer.slice(0, this.#length);
  }

  write(type: string, value: DbusValue): void {
    const at = this.#reserve(alignmentOf(type), 8);
    switch (type[0]) {
      case 'y':
        this.#view.setUint8(at, value as number);
        this.#length = at + 1;
        return;
      case 'b':
      case 'u':
      case 'i':
        this.#view.setUint32(at, Number(value), true);
        this.#length = at + 4;
        return;
      case 't':
      case 'x':
        this.#view.setBigUint64(at, BigInt.asUintN(64, value as bigint), true);
        this.#length = at + 8;
        return;
      case 's':
      case 'o':
        this.#string(at, value as string, 4);
        return;
      case 'g':
        this.#string(at, value as string, 1);
        return;
      case 'v':
        this.write('g', (value as Variant).type);
        this.write((value as Variant).type, (value as Variant).value);
        return;
      case 'a':
        this.#array(at, firstType(type.slice(1)), value as readonly DbusValue[]);
        return;
      case '(':
      case '{':
        typesOf(type.slice(1, -1)).forEach((each, index) => {
          this.write(each, (value as readonly DbusValue[])[index]!);
        });
        return;
      default:
        throw new KataError('unimplemented', `the D-Bus type ${type} is not sent`);
    }
  }

  #string(at: number, text: string, lengthBytes: 1 | 4): void {
    utf8.encoder ??= new TextEncoder();
    const bytes = utf8.encoder.encode(text);
    this.#reserve(1, lengthBytes + bytes.length + 1);
    if (lengthBytes === 1) this.#view.setUint8(at, bytes.length);
    else this.#view.setUint32(at, bytes.length, true);
    this.#buffer.set(bytes, at + lengthBytes);
    this.#length = at + lengthBytes + bytes.length + 1;
  }

  #array(at: number, type: string, values: readonly DbusValue[]): void {
    this.#length = at + 4;
    const start = this.#reserve(alignmentOf(type), 0);
    for (const value of values) this.write(type, value);
    this.#view.setUint32(at, this.#length - start, true);
  }

  /** Room for so many bytes behind zeros up to the alignment; where they begin. */
  #reserve(alignment: number, bytes: number): number {
    const at = Math.ceil(this.#length / alignment) * alignment;
    if (at + bytes > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(this.#buffer.length * 2, at + bytes));
      larger.set(this.#buffer);
      this.#buffer = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#length = at;
    return at;
  }
}

/** The values of a signature; `data-loss` for bytes that are none. */
export function unmarshal(signature: string, bytes: Uint8Array): DbusValue[] {
  const reader = new Reader(bytes);
  return typesOf(signature).map((type) => reader.read(type, 0));
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  read(type: string, depth: number): DbusValue {
    if (depth > MAX_DEPTH) throw broken('nested too deeply');
    switch (type[0]) {
      case 'y':
        return this.#view.getUint8(this.#take(1, 1));
      case 'b':
        return this.#view.getUint32(this.#take(4, 4), true) !== 0;
      case 'q':
        return this.#view.getUint16(this.#take(2, 2), true);
      case 'n':
        return this.#view.getInt16(this.#take(2, 2), true);
      case 'u':
      case 'h':
        return this.#view.getUint32(this.#take(4, 4), true);
      case 'i':
        return this.#view.getInt32(this.#take(4, 4), true);
      case 't':
        return this.#view.getBigUint64(this.#take(8, 8), true);
      case 'x':
        return this.#view.getBigInt64(this.#take(8, 8), true);
      case 'd':
        return this.#view.getFloat64(this.#take(8, 8), true);
      case 's':
      case 'o':
        return this.#string(this.#view.getUint32(this.#take(4, 4), true));
      case 'g':
        return this.#string(this.#view.getUint8(this.#take(1, 1)));
      case 'v': {
        const inner = this.read('g', depth) as string;
        if (inner === '' || firstType(inner) !== inner) throw broken(`a variant of ${JSON.stringify(inner)}`);
        return { type: inner, value: this.read(inner, depth + 1) };
      }
      case 'a':
        return this.#array(firstType(type.slice(1)), depth);
      default:
        this.#take(8, 0);
        return typesOf(type.slice(1, -1)).map((each) => this.read(each, depth + 1));
    }
  }

  #array(type: string, depth: number): DbusValue[] {
    const length = this.#view.getUint32(this.#take(4, 4), true);
    if (length > MAX_ARRAY_BYTES) throw broken(`an array of ${length} bytes`);
    const end = this.#take(alignmentOf(type), 0) + length;
    if (end > this.#bytes.length) throw broken('an array longer than the message');
    const values: DbusValue[] = [];
    while (this.#at < end) values.push(this.read(type, depth + 1));
    return values;
  }

  #string(length: number): string {
    const at = this.#take(1, length + 1);
    utf8.decoder ??= new TextDecoder();
    return utf8.decoder.decode(this.#bytes.subarray(at, at + length));
  }

  #take(alignment: number, bytes: number): number {
    const at = Math.ceil(this.#at / alignment) * alignment;
    if (at + bytes > this.#bytes.length) throw broken('it ends too early');
    this.#at = at + bytes;
    return at;
  }
}

const broken = (how: string): KataError => new KataError('data-loss', `a D-Bus message is expected, found ${how}`);
