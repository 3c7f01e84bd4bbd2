import { KataError } from '../errors/kata-error.ts';

/** What JSON can hold. An integer that a `number` cannot hold exactly is a `bigint`. */
export type JsonValue = null | boolean | number | bigint | string | JsonValue[] | { [key: string]: JsonValue };

/** Begins the stand-in of a big integer. NUL occurs in no path, argument, variable or name, so in no string of a spec. */
const MARK = '\u0000integer:';
/** A whole string, or a whole number, of a text that is known to be JSON. */
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/**
 * JSON text to a value, as `JSON.parse` does, but 64-bit integers keep every digit: `18446744073709551615` (RLIM_INFINITY)
 * becomes a bigint, `1024` stays a number. Throws `invalid-argument` naming `source` when the text is not JSON.
 */
export function parseJson(text: string, source: string): JsonValue {
  try {
    const plain = JSON.parse(text) as JsonValue;
    if (!/\d{16}/.test(text)) return plain;
    return JSON.parse(text.replace(STRING_OR_NUMBER, standIn), restore) as JsonValue;
  } catch (error) {
    throw new KataError('invalid-argument', `${source}: expected JSON, found: ${(error as Error).message}`, {
      cause: error,
      hint: `check the file with a JSON parser, for example jq . ${source}`,
    });
  }
}

function standIn(token: string): string {
  if (!/^-?\d{16,}$/.test(token) || Number.isSafeInteger(Number(token))) return token;
  return JSON.stringify(MARK + token);
}

function restore(_key: string, value: unknown): unknown {
  if (typeof value !== 'string' || !value.startsWith(MARK)) return value;
  const digits = value.slice(MARK.length);
  return /^-?\d+$/.test(digits) ? BigInt(digits) : value;
}
