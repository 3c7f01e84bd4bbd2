// node_modules as package-lock.json says.
import path from 'node:path';
import { root } from './paths.mjs';
import { step } from './progress.mjs';
import { run } from './run.mjs';
import { hashOf, unlessDone } from './stamp.mjs';

/** Runs `npm ci` unless node_modules was made of this lock file. */
export async function npmReady() {
  const key = hashOf([
    { file: path.join(root, 'package-lock.json') },
    { file: path.join(root, '.npmrc') },
    process.version,
  ]);
  await unlessDone('npm', key, [path.join(root, 'node_modules/esbuild/bin/esbuild')], () =>
    step('npm packages', () => run('npm', ['ci', '--no-progress'], { cwd: root })),
  );
}
