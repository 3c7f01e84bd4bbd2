/**
 * What libraries expect of a global object and QuickJS lacks, or has wrong. To be the first import of every entry: a bundle runs its
 * modules in the order of their imports.
 */
import * as quickjs from 'os';
import * as sys from 'sys';

/** WHATWG's TextEncoder. */
class Utf8Encoder {
  readonly encoding = 'utf-8';

  encode(text = ''): Uint8Array {
    return new Uint8Array(sys.utf8Encode(text));
  }

  encodeInto(text: string, target: Uint8Array): { read: number; written: number } {
    const bytes = new Uint8Array(sys.utf8Encode(text));
    if (bytes.length > target.length) throw new RangeError(`the text takes ${bytes.length} bytes of ${target.length}`);
    target.set(bytes);
    return { read: text.length, written: bytes.length };
  }
}

const BYTE_ORDER_MARK = 0xfeff;
const REPLACEMENT = '\ufffd';

/** WHATWG's TextDecoder for UTF-8, whole texts only. */
class Utf8Decoder {
  readonly encoding = 'utf-8';
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;

  constructor(label = 'utf-8', options: { fatal?: boolean; ignoreBOM?: boolean } = {}) {
    if (!/^utf-?8$/i.test(label)) throw new RangeError(`expected the encoding utf-8, found ${label}`);
    this.fatal = options.fatal ?? false;
    this.ignoreBOM = options.ignoreBOM ?? false;
  }

  decode(input?: Uint8Array | ArrayBuffer): string {
    if (input === undefined) return '';
    const bytes = input instanceof Uint8Array ? input : new Uint8Array(input);
    const text = sys.utf8Decode(bytes);
    if (this.fatal && text.includes(REPLACEMENT) && !isSame(new Uint8Array(sys.utf8Encode(text)), bytes)) {
      throw new TypeError('the bytes are not UTF-8');
    }
    return !this.ignoreBOM && text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text;
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

const missing: Record<string, unknown> = {
  TextEncoder: Utf8Encoder,
  TextDecoder: Utf8Decoder,
  setTimeout: (callback: () => void, delayMs = 0) => quickjs.setTimeout(callback, delayMs),
  clearTimeout: (timer: quickjs.Timer | undefined) => {
    if (timer !== undefined) quickjs.clearTimeout(timer);
  },
};

const globals = globalThis as unknown as Record<string, unknown>;
for (const name of Object.keys(missing)) globals[name] ??= missing[name];

// QuickJS 2025-04-26 takes the 64-bit result for a signed one: asUintN(64, 2n ** 64n - 1n), RLIM_INFINITY, is -1n there.
if (BigInt.asUintN(64, -1n) < 0n) {
  BigInt.asUintN = (bits, value) => value & ((1n << BigInt(bits)) - 1n);
}
