/** Runs the declared tests in QuickJS, one after the other, and ends the process with their outcome. */
import * as quickjs from 'os';
import { exit } from 'std';
import { onRejection, syscall, utf8Encode } from 'sys';
import { NR } from '../../src/syscall/numbers.ts';
import { inspect } from './inspect.ts';
import { type Body, files, type Suite, type Test, type TestContext } from './tree.ts';

const DEFAULT_TIMEOUT_MS = 30_000;

/** Straight to the descriptor: a child that a test forks has no copy of unwritten lines, and a crash loses none. */
function say(line: string): void {
  let bytes = new Uint8Array(utf8Encode(`${line}\n`));
  while (bytes.length > 0) {
    const count = syscall(NR.write, 1, bytes, bytes.length);
    if (count < 0) exit(3);
    bytes = bytes.slice(count);
  }
}

/** The whole story of a failure: message, stack, and what caused it. */
function story(error: unknown): string {
  if (!(error instanceof Error)) return inspect(error);
  const cause = error.cause === undefined ? '' : `\ncaused by ${story(error.cause)}`;
  return `${error.name}: ${error.message}\n${error.stack ?? ''}`.trimEnd() + cause;
}

const unhandled = new Map<Promise<unknown>, unknown>();
onRejection((promise, reason, handled) => {
  if (handled) unhandled.delete(promise);
  else unhandled.set(promise, reason);
});

const nextTurn = () => new Promise<void>((resolve) => quickjs.setTimeout(resolve, 0));

async function limited(work: () => unknown, timeoutMs: number, what: string): Promise<void> {
  let timer: quickjs.Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = quickjs.setTimeout(() => reject(new Error(`${what} was not over after ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    await Promise.race([(async () => work())(), late]);
  } finally {
    if (timer !== undefined) quickjs.clearTimeout(timer);
  }
}

let passed = 0;
let failed = 0;

function tell(depth: number, title: string, sinceMs: number, errors: unknown[]): void {
  const indent = '  '.repeat(depth);
  const tookMs = performance.now() - sinceMs;
  say(`${indent}${errors.length === 0 ? '✔' : '✖'} ${title} (${tookMs.toFixed(1)}ms)`);
  for (const error of errors) say(story(error).replace(/^/gm, `${indent}    `));
}

/** Runs hooks; all of them, whichever fail. */
async function runHooks(hooks: readonly (() => unknown)[], what: string, errors: unknown[]): Promise<void> {
  for (const hook of hooks) {
    try {
      await limited(hook, DEFAULT_TIMEOUT_MS, what);
    } catch (error) {
      errors.push(error);
    }
  }
}

async function runTest(test: Test, suites: readonly Suite[], depth: number): Promise<boolean> {
  const start = performance.now();
  const errors: unknown[] = [];
  const ends: (() => unknown)[] = [];
  const diagnostics: string[] = [];
  const context: TestContext = {
    name: test.title,
    after: (body) => ends.unshift(body),
    diagnostic: (message) => diagnostics.push(message),
    test: async (title: string, body: Body) => {
      if (!(await runTest({ title, body, options: {} }, [], depth + 1)))
        throw new Error(`the test within, "${title}", failed`);
    },
  };
  await runHooks(
    suites.flatMap((s) => s.hooks.beforeEach),
    'beforeEach',
    errors,
  );
  if (errors.length === 0) {
    try {
      await limited(() => test.body(context), test.options.timeout ?? DEFAULT_TIMEOUT_MS, 'the test');
    } catch (error) {
      errors.push(error);
    }
  }
  await runHooks(ends, 'after', errors);
  await runHooks(
    suites.toReversed().flatMap((s) => s.hooks.afterEach),
    'afterEach',
    errors,
  );
  await nextTurn();
  for (const reason of unhandled.values())
    errors.push(new Error('a promise was rejected and nobody waited for it', { cause: reason }));
  unhandled.clear();
  if (errors.length === 0) passed++;
  else failed++;
  tell(depth, test.title, start, errors);
  for (const message of diagnostics) say(`${'  '.repeat(depth + 1)}ℹ ${message}`);
  return errors.length === 0;
}

const wanted = (node: Suite | Test, filter: string): boolean =>
  node.title.includes(filter) || ('children' in node && node.children.some((child) => wanted(child, filter)));

async function runSuite(suite: Suite, outer: readonly Suite[], depth: number, filter: string): Promise<void> {
  const chosen = suite.children.filter((child) => suite.title.includes(filter) || wanted(child, filter));
  if (chosen.length === 0) return;
  say(`${'  '.repeat(depth)}▶ ${suite.title}`);
  const start = performance.now();
  const errors: unknown[] = [];
  await runHooks(suite.hooks.before, 'before', errors);
  const suites = [...outer, suite];
  if (errors.length === 0) {
    for (const child of chosen) {
      if ('children' in child) await runSuite(child, suites, depth + 1, suite.title.includes(filter) ? '' : filter);
      else await runTest(child, suites, depth + 1);
    }
  }
  await runHooks(suite.hooks.after, 'after', errors);
  if (errors.length === 0) return;
  failed++;
  tell(depth, `${suite.title}: before or after`, start, errors);
}

/** Runs all tests, or those whose title holds `filter`. The last line counts them; the exit status is 1 if one failed. */
export async function run(filter: string): Promise<never> {
  for (const file of files) await runSuite(file, [], 0, filter);
  say(`${passed} passed, ${failed} failed`);
  exit(failed === 0 ? 0 : 1);
}
