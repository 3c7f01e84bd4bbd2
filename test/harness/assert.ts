/** Stands in for `node:assert/strict` where a test runs in QuickJS. What a test of ours does not use is not here. */
import { difference } from './deep-equal.ts';
import { inspect } from './inspect.ts';

type Message = string | Error | undefined;
type ErrorClass = abstract new (...args: never[]) => unknown;
type Expected = RegExp | Error | ErrorClass | ((error: unknown) => boolean) | Record<string, unknown>;

export class AssertionError extends Error {
  override readonly name: string = 'AssertionError';
  readonly code = 'ERR_ASSERTION';
}

function check(holds: boolean, message: Message, otherwise: () => string): asserts holds {
  if (holds) return;
  if (message instanceof Error) throw message;
  throw new AssertionError(message === undefined ? otherwise() : `${message}\n${otherwise()}`);
}

const both = (actual: unknown, expected: unknown) => `found    ${inspect(actual)}\nexpected ${inspect(expected)}`;

export function ok(value: unknown, message?: Message): asserts value {
  check(Boolean(value), message, () => `expected something true, found ${inspect(value)}`);
}

export function equal(actual: unknown, expected: unknown, message?: Message): void {
  check(Object.is(actual, expected), message, () => both(actual, expected));
}

export function notEqual(actual: unknown, unexpected: unknown, message?: Message): void {
  check(!Object.is(actual, unexpected), message, () => `expected anything but ${inspect(unexpected)}`);
}

export function deepEqual(actual: unknown, expected: unknown, message?: Message): void {
  const where = difference(actual, expected);
  check(where === null, message, () => `they differ in ${where}\n${both(actual, expected)}`);
}

export function notDeepEqual(actual: unknown, unexpected: unknown, message?: Message): void {
  check(difference(actual, unexpected) !== null, message, () => `expected anything but ${inspect(unexpected)}`);
}

export function match(actual: string, pattern: RegExp, message?: Message): void {
  check(
    typeof actual === 'string' && pattern.test(actual),
    message,
    () => `${inspect(actual)}\ndoes not match ${pattern}`,
  );
}

export function doesNotMatch(actual: string, pattern: RegExp, message?: Message): void {
  check(!(typeof actual === 'string' && pattern.test(actual)), message, () => `${inspect(actual)}\nmatches ${pattern}`);
}

export function fail(message: Message = 'failed'): never {
  throw message instanceof Error ? message : new AssertionError(message);
}

export function ifError(value: unknown): asserts value is null | undefined {
  if (value !== null && value !== undefined) throw value;
}

/** The error itself is thrown on when it is of another class than expected, so that its stack is seen. */
function asExpected(error: unknown, expected: Expected | undefined, message: Message): void {
  if (expected === undefined) return;
  if (expected instanceof RegExp) {
    match(String(error), expected, message);
  } else if (expected instanceof Error) {
    hasFields(error, { ...expected, name: expected.name, message: expected.message }, message);
  } else if (typeof expected === 'function') {
    if (expected.prototype !== undefined && error instanceof (expected as ErrorClass)) return;
    if (expected === Error || Object.prototype.isPrototypeOf.call(Error, expected)) throw error;
    const answer = (expected as (error: unknown) => unknown)(error);
    check(answer === true, message, () => `the check of the error ${inspect(error)} answered ${inspect(answer)}`);
  } else {
    hasFields(error, expected, message);
  }
}

function hasFields(error: unknown, fields: Record<string, unknown>, message: Message): void {
  for (const [key, wanted] of Object.entries(fields)) {
    const found = (error as Record<string, unknown> | null | undefined)?.[key];
    const what = message ?? `the error's ${key} (${inspect(error)})`;
    if (wanted instanceof RegExp && typeof found === 'string') match(found, wanted, what);
    else deepEqual(found, wanted, what);
  }
}

export function throws(body: () => unknown, expected?: Expected | string, message?: Message): void {
  const [wanted, text] = typeof expected === 'string' ? [undefined, expected] : [expected, message];
  try {
    body();
  } catch (error) {
    asExpected(error, wanted, text);
    return;
  }
  check(false, text, () => 'expected an error, and nothing was thrown');
}

export function doesNotThrow(body: () => unknown): void {
  body();
}

export async function rejects(
  promised: Promise<unknown> | (() => Promise<unknown>),
  expected?: Expected | string,
  message?: Message,
): Promise<void> {
  const [wanted, text] = typeof expected === 'string' ? [undefined, expected] : [expected, message];
  let found: unknown;
  try {
    found = await (typeof promised === 'function' ? promised() : promised);
  } catch (error) {
    asExpected(error, wanted, text);
    return;
  }
  check(false, text, () => `expected a rejection, and it resolved to ${inspect(found)}`);
}

export async function doesNotReject(promised: Promise<unknown> | (() => Promise<unknown>)): Promise<void> {
  await (typeof promised === 'function' ? promised() : promised);
}

export {
  deepEqual as deepStrictEqual,
  equal as strictEqual,
  notDeepEqual as notDeepStrictEqual,
  notEqual as notStrictEqual,
};

function assert(value: unknown, message?: Message): asserts value {
  ok(value, message);
}

const strict = Object.assign(assert, {
  AssertionError,
  deepEqual,
  deepStrictEqual: deepEqual,
  doesNotMatch,
  doesNotReject,
  doesNotThrow,
  equal,
  fail,
  ifError,
  match,
  notDeepEqual,
  notDeepStrictEqual: notDeepEqual,
  notEqual,
  notStrictEqual: notEqual,
  ok,
  rejects,
  strictEqual: equal,
  throws,
});

export { strict };
export default strict;
