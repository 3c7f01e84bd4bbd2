// npm test [-- unit|sys|e2e|check [FILE… | WORD]]: set-up, then all tests, and one line that counts them.
import { cniPlugins } from './cni-plugins.mjs';
import { containerds } from './containerds.mjs';
import { findTests, sum } from './find-tests.mjs';
import { runNodeTests } from './node-tests.mjs';
import { root } from './paths.mjs';
import { prepare } from './prepare.mjs';
import { seconds } from './progress.mjs';
import { qemus } from './qemus.mjs';
import { Interruption, main, runVisibly, SetupError } from './run.mjs';
import { runSysTests } from './sys-test.mjs';
import { runUnitTests } from './unit.mjs';
import { vsockDevice } from './vsock-device.mjs';

/** @typedef {import('./find-tests.mjs').Counts} Counts */

/** Checks that are one test each. */
const checks = [
  { title: 'types are right', program: 'node_modules/.bin/tsc', args: ['--noEmit'] },
  {
    title: 'the code keeps to the style',
    program: 'node_modules/.bin/biome',
    args: ['check', '--error-on-warnings', '.'],
  },
  {
    title: 'generated code is what the .proto files make',
    program: process.execPath,
    args: ['setup/generate.mjs', '--check'],
  },
];

/** @returns {Promise<Counts>} */
async function runChecks() {
  let passed = 0;
  process.chdir(root);
  for (const { title, program, args } of checks) {
    const start = performance.now();
    const holds = (await runVisibly(program, args)) === 0;
    if (holds) passed++;
    console.log(`${holds ? '✔' : '✖'} ${title} (${seconds(start)})`);
  }
  return { passed, failed: checks.length - passed };
}

/** @param {string[]} asked */
const runEndToEnd = (asked) =>
  runNodeTests(
    'e2e',
    findTests(['test/e2e'], (name) => name.endsWith('.e2e.ts'), asked),
    {
      concurrency: 1,
      isolated: true,
      // The oldest containerd is also the one by its bare name.
      env: {
        KATA_TS_CNI: cniPlugins(),
        KATA_TS_CONTAINERDS: JSON.stringify(containerds()),
        KATA_TS_QEMUS: JSON.stringify(qemus()),
        KATA_TS_VSOCK: JSON.stringify(vsockDevice()),
        PATH: `${containerds()['1.6']}:${process.env.PATH}`,
      },
    },
  );

/** @type {Record<string, { title: string, run: (asked: string[]) => Promise<Counts> }>} */
const kinds = {
  check: { title: 'Checks', run: runChecks },
  unit: { title: 'Unit tests', run: runUnitTests },
  sys: { title: 'System tests', run: runSysTests },
  e2e: { title: 'End-to-end tests', run: runEndToEnd },
};

await main(async () => {
  const [asked, ...rest] = process.argv.slice(2);
  if (asked !== undefined && !(asked in kinds))
    throw new SetupError(`there are tests of the kinds ${Object.keys(kinds).join(', ')}, not "${asked}"`);
  const start = performance.now();
  await prepare({ forTests: true });
  console.log(`set up in ${seconds(start)}`);
  /** @type {Counts[]} */
  const all = [];
  for (const [name, { title, run }] of Object.entries(kinds)) {
    if (asked !== undefined && asked !== name) continue;
    const kindStart = performance.now();
    console.log(`\n${title}`);
    // A kind that cannot even be built counts as one failure, and the others still run.
    const counts = await run(rest).catch((error) => {
      if (error instanceof Interruption) throw error;
      console.error(error instanceof SetupError ? `✖ ${error.message}` : error);
      return { passed: 0, failed: 1 };
    });
    console.log(`${title}: ${counts.passed} passed, ${counts.failed} failed, in ${seconds(kindStart)}`);
    all.push(counts);
  }
  const { passed, failed } = sum(all);
  console.log(`\nIn all ${seconds(start)}\n${passed} passed, ${failed} failed`);
  if (passed + failed === 0) throw new SetupError('no test was found');
  return failed === 0 ? 0 : 1;
});
