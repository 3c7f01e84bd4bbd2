import { KataError } from '../errors/kata-error.ts';
import type { KeyRule, KeyValue, ValueType } from './keys/rule.ts';
import { showValue } from './show-value.ts';

const EXPECTED: Readonly<Record<ValueType, string>> = {
  string: 'a string in quotes',
  boolean: 'true or false',
  integer: 'a whole number',
  number: 'a number',
  strings: 'a list of strings',
  integers: 'a list of whole numbers',
  tables: 'an array of tables',
};

/** The value when the key may hold it; else `invalid-argument`, beginning with what `where` says. */
export function checkValue(
  rule: KeyRule,
  value: unknown,
  where: () => string,
  hint = 'correct this line of the configuration',
): KeyValue {
  if (hasType(rule.type, value) && isInRange(rule, value)) return value as KeyValue;
  throw new KataError('invalid-argument', `${where()}: expected ${expectation(rule)}, found ${showValue(value)}`, {
    hint,
  });
}

function isInRange({ min, max, words }: KeyRule, value: unknown): boolean {
  if (typeof value === 'number' || typeof value === 'bigint')
    return (min === undefined || value >= min) && (max === undefined || value <= max);
  return words === undefined || words.includes(value as string);
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
    case 'integers':
      return Array.isArray(value) && value.every(Number.isInteger);
    case 'tables':
      return Array.isArray(value) && value.every((each) => typeof each === 'object' && each !== null);
  }
}

/** What a key may hold, in words. */
export function expectation({ type, min, max, words }: KeyRule): string {
  if (words !== undefined) return `one of ${words.map((word) => JSON.stringify(word)).join(', ')}`;
  if (min === undefined || type === 'string') return EXPECTED[type];
  return max === undefined ? `${EXPECTED[type]}, ${min} or more` : `${EXPECTED[type]} from ${min} to ${max}`;
}
