import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** What stands in for Node's modules in system tests. */
const alias = {
  'node:test': path.resolve('test/harness/tree.ts'),
  'node:assert/strict': path.resolve('test/harness/assert.ts'),
};

/**
 * Compiles a program, of `test/guest` unless it is a path, to a static binary that runs in any container. Set-up's own compiler does it; it is
 * loaded from where it stands, since it finds the checkout by that.
 */
export async function compileGuestProgram(name: string, output: string): Promise<void> {
  const compiler = pathToFileURL(path.resolve('setup/compile.mjs')).href;
  const { compileQuickjs } = (await import(compiler)) as typeof import('../../setup/compile.mjs');
  await compileQuickjs({ file: path.resolve('test/guest', `${name}.ts`) }, output, alias);
}
