// node setup/unit.mjs [FILE… | WORD]: unit tests of pure modules, under Node.
import os from 'node:os';
import { pathToFileURL } from 'node:url';
import { findTests } from './find-tests.mjs';
import { runNodeTests } from './node-tests.mjs';
import { main } from './run.mjs';

/** @param {string} name */
const isUnitTest = (name) => name.endsWith('.test.ts') && !name.endsWith('.sys.test.ts');

/** @param {string[]} asked */
export const runUnitTests = (asked) =>
  runNodeTests('unit', findTests(['src', 'test'], isUnitTest, asked), {
    isolated: false,
    concurrency: os.availableParallelism(),
  });

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  await main(async () => ((await runUnitTests(process.argv.slice(2))).failed > 0 ? 1 : 0));
