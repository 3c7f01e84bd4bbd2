/** Where tests are declared: the part of `node:test` that a test of ours uses. `run.ts` runs what was declared. */

export type Body = (context: TestContext) => unknown;

export interface Options {
  /** Default 30 s. */
  timeout?: number;
}

/** What a test's function is handed. */
export interface TestContext {
  readonly name: string;
  /** Runs when the test is over, the last declared first, whatever its outcome. */
  after(body: () => unknown): void;
  /** A line beside the test's own. */
  diagnostic(message: string): void;
  /** A test within the test; its failure is one of the outer test too. */
  test(title: string, body: Body): Promise<void>;
}

export type HookName = 'before' | 'after' | 'beforeEach' | 'afterEach';

export interface Test {
  readonly title: string;
  readonly body: Body;
  readonly options: Options;
}

export interface Suite {
  readonly title: string;
  readonly parent: Suite | null;
  readonly children: (Suite | Test)[];
  readonly hooks: Record<HookName, (() => unknown)[]>;
}

const newSuite = (title: string, parent: Suite | null): Suite => ({
  title,
  parent,
  children: [],
  hooks: { before: [], after: [], beforeEach: [], afterEach: [] },
});

/** Every file's tests, a suite for each. */
export const files: Suite[] = [];
let current: Suite | null = null;

declare global {
  /** The test file whose declarations are being made; the runner's bundle sets it between two files. */
  var currentTestFile: string | undefined;
}

/** The suite that a declaration belongs to: the innermost `describe`, or the file. */
function here(): Suite {
  if (current !== null) return current;
  const title = globalThis.currentTestFile ?? '';
  const known = files.at(-1);
  if (known !== undefined && known.title === title) return known;
  const file = newSuite(title, null);
  files.push(file);
  return file;
}

type Declaration = [title: string, body: Body] | [title: string, options: Options, body: Body];

const parts = (args: Declaration): Test =>
  args.length === 2
    ? { title: args[0], options: {}, body: args[1] }
    : { title: args[0], options: args[1], body: args[2] };

export function test(...args: Declaration): Promise<void> {
  here().children.push(parts(args));
  return Promise.resolve();
}

export function describe(
  ...args: [title: string, body: () => void] | [title: string, options: Options, body: () => void]
): void {
  const outer = here();
  const suite = newSuite(args[0], outer);
  outer.children.push(suite);
  current = suite;
  try {
    (args.length === 2 ? args[1] : args[2])();
  } finally {
    current = outer.parent === null ? null : outer;
  }
}

const hook = (name: HookName) => (body: () => unknown) => {
  here().hooks[name].push(body);
};

export const before = hook('before');
export const after = hook('after');
export const beforeEach = hook('beforeEach');
export const afterEach = hook('afterEach');
export { describe as suite, test as it };
export default test;
