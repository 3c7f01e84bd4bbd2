// Tests that Node runs: units of pure modules, and end-to-end tests.
import fs from 'node:fs';
import path from 'node:path';
import { isolated as inNamespaces } from './isolation.mjs';
import { build, root } from './paths.mjs';
import { runVisibly } from './run.mjs';

/**
 * Bundles test files and runs them with Node's test runner, in the checkout's folder.
 * @param {string} kind Names the folder of the bundles.
 * @param {{ files: string[], title: string }} tests
 * @param {{ concurrency: number, isolated: boolean, env?: NodeJS.ProcessEnv }} options
 * @returns {Promise<import('./find-tests.mjs').Counts>}
 */
export async function runNodeTests(kind, { files, title }, { concurrency, isolated, env = {} }) {
  if (files.length === 0) return { passed: 0, failed: 0 };
  const { bundleForNode } = await import('./bundle.mjs');
  const folder = path.join(build, kind, String(process.pid));
  try {
    const bundles = await bundleForNode(files, folder);
    const counts = path.join(folder, 'counts.tap');
    const command = [
      ...[process.execPath, '--enable-source-maps', '--test', `--test-concurrency=${concurrency}`],
      ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
      ...['--test-reporter=tap', `--test-reporter-destination=${counts}`],
      ...(title === '' ? [] : [`--test-name-pattern=${title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`]),
      ...bundles,
    ];
    const [program = '', ...args] = isolated ? inNamespaces(command, 'shared') : command;
    const status = await runVisibly(program, args, { env, cwd: root });
    const tap = fs.existsSync(counts) ? fs.readFileSync(counts, 'utf8') : '';
    /** @param {string} name */
    const count = (name) => Number(tap.match(new RegExp(`^# ${name} (\\d+)$`, 'm'))?.[1] ?? 0);
    const failed = count('fail') + count('cancelled');
    return { passed: count('pass'), failed: status !== 0 && failed === 0 ? 1 : failed };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
