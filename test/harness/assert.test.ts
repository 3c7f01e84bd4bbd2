// The stand-in for node:assert/strict is held against the real one, on what our tests hand to it.
import strict from 'node:assert/strict';
import { describe, it } from 'node:test';
import standIn from './assert.ts';
import { inspect } from './inspect.ts';

class Point {
  readonly x: number;
  constructor(x: number) {
    this.x = x;
  }
}
const circle: { self?: unknown } = {};
circle.self = circle;
const otherCircle: { self?: unknown } = {};
otherCircle.self = otherCircle;

/** Every one is compared with every other, and with itself made anew. */
const values: (() => unknown)[] = [
  () => 1,
  () => '1',
  () => 1n,
  () => 0,
  () => -0,
  () => Number.NaN,
  () => null,
  () => undefined,
  () => ({}),
  () => [],
  () => ({ a: 1 }),
  () => ({ a: undefined }),
  () => ({ a: 1, b: 2 }),
  () => ({ b: 2, a: 1 }),
  () => ({ a: { b: [1, 2, { c: 3 }] } }),
  () => ({ a: { b: [1, 2, { c: 4 }] } }),
  () => [1, 2],
  () => [1, 2, undefined],
  () => ({ 0: 1, 1: 2 }),
  () => new Point(1),
  () => ({ x: 1 }),
  () => Object.assign(Object.create(null), { x: 1 }),
  () => new Uint8Array([1, 2]),
  () => new Uint8Array([1, 3]),
  () => new Int8Array([1, 2]),
  () => new Uint8Array([1, 2]).buffer,
  () => new Map([['a', 1]]),
  () => new Map([['a', 2]]),
  () => new Map([['b', 1]]),
  () => new Map<unknown, unknown>([[{ k: 1 }, 1]]),
  () => new Map([['a', undefined]]),
  () => new Set([1, 2]),
  () => new Set([2, 1]),
  () => new Set([1, 3]),
  () => new Set([{ a: 1 }]),
  () => new Set([{ a: 2 }]),
  () => new Date(0),
  () => new Date(1),
  () => /a/,
  () => /a/g,
  () => new Error('a'),
  () => new Error('b'),
  () => new TypeError('a'),
  () => circle,
  () => otherCircle,
];

const holds = (body: () => unknown): boolean => {
  try {
    body();
    return true;
  } catch {
    return false;
  }
};

describe('an assertion in QuickJS', () => {
  it('holds for two values exactly when it does in Node', () => {
    for (const one of values) {
      for (const other of values) {
        const [a, b] = [one(), other()];
        for (const name of ['equal', 'notEqual', 'deepEqual', 'notDeepEqual'] as const) {
          strict.equal(
            holds(() => standIn[name](a, b)),
            holds(() => strict[name](a, b)),
            `${name} of ${inspect(a)} and ${inspect(b)}`,
          );
        }
      }
    }
  });

  it('on text and truth holds exactly when it does in Node', () => {
    for (const value of ['abc', 'xyz', '', 0, 1, null, {}]) {
      strict.equal(
        holds(() => standIn.ok(value)),
        holds(() => strict.ok(value)),
      );
      strict.equal(
        holds(() => standIn(value)),
        holds(() => strict(value)),
      );
      strict.equal(
        holds(() => standIn.ifError(value)),
        holds(() => strict.ifError(value)),
      );
    }
    for (const text of ['abc', 'xyz', '']) {
      strict.equal(
        holds(() => standIn.match(text, /b/)),
        holds(() => strict.match(text, /b/)),
      );
      strict.equal(
        holds(() => standIn.doesNotMatch(text, /b/)),
        holds(() => strict.doesNotMatch(text, /b/)),
      );
    }
  });

  it('on errors holds exactly when it does in Node, thrown and rejected', async () => {
    const failing = (error: unknown) => () => {
      throw error;
    };
    const bodies = [
      () => 1,
      failing(new TypeError('boom')),
      failing(Object.assign(new Error('boom'), { code: 'E', at: { x: 1 } })),
    ];
    const expectations = [
      undefined,
      /boom/,
      /^TypeError: boom$/,
      /other/,
      TypeError,
      Error,
      RangeError,
      new TypeError('boom'),
      new TypeError('other'),
      { message: 'boom' },
      { message: /oo/ },
      { message: /other/ },
      { code: 'E' },
      { code: 'E', at: { x: 1 } },
      { code: 'E', at: { x: 2 } },
      (error: unknown) => error instanceof TypeError,
    ];
    for (const body of bodies) {
      for (const expected of expectations) {
        const what = `${body} against ${String(expected)}`;
        strict.equal(
          holds(() => standIn.throws(body, expected as never)),
          holds(() => strict.throws(body, expected as never)),
          what,
        );
        const [ours, nodes] = await Promise.all(
          [standIn, strict].map((assert) =>
            assert
              .rejects(async () => body(), expected as never)
              .then(
                () => true,
                () => false,
              ),
          ),
        );
        strict.equal(ours, nodes, `rejects: ${what}`);
      }
    }
  });

  it('that fails says where two values differ and shows both', () => {
    strict.throws(() => standIn.deepEqual({ a: [{ b: 1n }] }, { a: [{ b: 2n }] }), {
      name: 'AssertionError',
      message: 'they differ in .a[0].b\nfound    {a: [{b: 1n}]}\nexpected {a: [{b: 2n}]}',
    });
    strict.throws(() => standIn.equal('x', 'y', 'the letter'), { message: 'the letter\nfound    "x"\nexpected "y"' });
  });
});
