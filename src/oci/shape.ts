import { KataError } from '../errors/kata-error.ts';
import type { JsonValue } from './parse-json.ts';

/** Checks a value found at a JSON path; throws `invalid-argument` that names the path, what was expected, what was found. */
export type Shape = (value: JsonValue, path: string) => void;

/** One line about a field that is not what its specification says. */
export function wrong(path: string, expected: string, found: JsonValue | undefined): KataError {
  return new KataError('invalid-argument', `${path}: expected ${expected}, found ${describe(found)}`, {
    hint: 'correct it where the configuration is made; the OCI specification describes each field',
  });
}

export const text: Shape = (value, path) => {
  if (typeof value !== 'string') throw wrong(path, 'a string', value);
  if (value.includes('\0')) throw wrong(path, 'a string without NUL', value);
};

export const flag: Shape = (value, path) => {
  if (typeof value !== 'boolean') throw wrong(path, 'true or false', value);
};

export const absolutePath: Shape = (value, path) => {
  text(value, path);
  if (!(value as string).startsWith('/')) throw wrong(path, 'an absolute path', value);
};

/** A whole number in a range, both ends included. */
export function integer(min: bigint, max: bigint): Shape {
  return (value, path) => {
    const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value);
    if (!isWhole || BigInt(value as number) < min || BigInt(value as number) > max)
      throw wrong(path, `a whole number from ${min} to ${max}`, value);
  };
}

export const uint32 = integer(0n, 0xffff_ffffn);
export const int64 = integer(-(2n ** 63n), 2n ** 63n - 1n);
export const uint64 = integer(0n, 2n ** 64n - 1n);

export function oneOf(...words: string[]): Shape {
  return (value, path) => {
    if (typeof value !== 'string' || !words.includes(value)) throw wrong(path, `one of ${words.join(', ')}`, value);
  };
}

export function matching(pattern: RegExp, expected: string): Shape {
  return (value, path) => {
    text(value, path);
    if (!pattern.test(value as string)) throw wrong(path, expected, value);
  };
}

export function list(item: Shape): Shape {
  return (value, path) => {
    if (!Array.isArray(value)) throw wrong(path, 'a list', value);
    for (const [index, each] of value.entries()) item(each, `${path}[${index}]`);
  };
}

/** An object of any keys, or of keys of a pattern. */
export function map(item: Shape, keys: RegExp = /^/): Shape {
  return (value, path) => {
    if (!isObject(value)) throw wrong(path, 'an object', value);
    for (const [key, each] of Object.entries(value)) {
      if (!keys.test(key)) throw wrong(path, `keys like ${keys.source}`, key);
      item(each, `${path}['${key}']`);
    }
  };
}

export const anyObject: Shape = (value, path) => {
  if (!isObject(value)) throw wrong(path, 'an object', value);
};

/** An object of known fields. Go writes an unset pointer as null: that counts as absent. Other fields are let be. */
export function object(fields: Readonly<Record<string, Shape>>, required: readonly string[] = []): Shape {
  return (value, path) => {
    if (!isObject(value)) throw wrong(path || 'the whole', 'an object', value);
    const prefix = path === '' ? '' : `${path}.`;
    for (const name of required) if (isAbsent(value[name])) throw wrong(`${prefix}${name}`, 'a value', undefined);
    for (const [name, shape] of Object.entries(fields)) {
      const field = value[name];
      if (!isAbsent(field)) shape(field, prefix + name);
    }
  };
}

/** The same value without fields that are null, which Go writes for what is not set. */
export function withoutNulls(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(kept.map(([key, field]) => [key, withoutNulls(field)]));
}

function isAbsent(value: JsonValue | undefined): value is null | undefined {
  return value === undefined || value === null;
}

export function isObject(value: JsonValue | undefined): value is { [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function describe(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'an object';
  if (typeof value !== 'string') return String(value);
  const shown = value.length > 80 ? `${value.slice(0, 80)}…` : value;
  return `'${JSON.stringify(shown).slice(1, -1)}'`;
}
