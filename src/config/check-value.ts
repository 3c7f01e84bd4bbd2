import { KataError } from '../errors/kata-error.ts';
import type { KeyRule, KeyValue, ValueType } from './keys/rule.ts';

const EXPECTED: Readonly<Record<ValueType, string>> = {
  string: 'a string in quotes',
  boolean: 'true or false',
  integer: 'a whole number',
  number: 'a number',
  strings: 'a list of strings',
  tables: 'an array of tables',
};

/** The value when the key may hold it; else `invalid-argument`, beginning with what `where` says. */
export function checkValue(rule: KeyRule, value: unknown, where: () => string): KeyValue {
  const expected = expectation(rule);
  if (!hasType(rule.type, value)) throw wrong(where, expected, value);
  if (typeof value === 'number' || typeof value === 'bigint') {
    if (rule.min !== undefined && value < rule.min) throw wrong(where, expected, value);
    if (rule.max !== undefined && value > rule.max) throw wrong(where, expected, value);
  }
  if (rule.words !== undefined && !rule.words.includes(value as string)) throw wrong(where, expected, value);
  return value as KeyValue;
}

function hasType(type: ValueType, value: unknown): boolean {
  switch (type) {
    case 'string':
      return typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
    case 'integer':
      return typeof value === 'bigint' || Number.isInteger(value);
    case 'number':
      return typeof value === 'bigint' || Number.isFinite(value);
    case 'strings':
      return Array.isArray(value) && value.every((each) => typeof each === 'string');
    case 'tables':
      return Array.isArray(value) && value.every((each) => typeof each === 'object' && each !== null);
  }
}

function expectation({ type, min, max, words }: KeyRule): string {
  if (words !== undefined) return `one of ${words.map((word) => JSON.stringify(word)).join(', ')}`;
  if (min === undefined || type === 'string') return EXPECTED[type];
  return max === undefined ? `${EXPECTED[type]}, ${min} or more` : `${EXPECTED[type]} from ${min} to ${max}`;
}

function wrong(where: () => string, expected: string, found: unknown): KataError {
  return new KataError('invalid-argument', `${where()}: expected ${expected}, found ${show(found)}`, {
    hint: 'correct this line of the configuration',
  });
}

function show(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Date) return 'a date';
  const json = JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? String(each) : each));
  return json.length > 100 ? `${json.slice(0, 100)}…` : json;
}
