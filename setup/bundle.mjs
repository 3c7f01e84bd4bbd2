// TypeScript to one JavaScript file, by esbuild. Imported only when there is something to bundle: esbuild comes from npm.
import path from 'node:path';
import * as esbuild from 'esbuild';
import { root } from './paths.mjs';
import { SetupError } from './run.mjs';

/** Modules that QuickJS and sys.c bring. */
const engineModules = ['os', 'std', 'sys'];

/**
 * @param {esbuild.BuildOptions} options
 * @returns {Promise<{ text: string, map: string }>} The first output and its source map, when nothing is written.
 */
async function bundle(options) {
  try {
    const { outputFiles = [] } = await esbuild.build({
      absWorkingDir: root,
      bundle: true,
      format: 'esm',
      target: 'es2022',
      mainFields: ['module', 'main'],
      conditions: ['module'],
      charset: 'utf8',
      logLevel: 'silent',
      ...options,
    });
    /** @param {boolean} map */
    const output = (map) => outputFiles.find((file) => file.path.endsWith('.map') === map)?.text ?? '';
    return { text: output(false), map: output(true) };
  } catch (error) {
    const failure = /** @type {Partial<esbuild.BuildFailure>} */ (error);
    if (!failure.errors) throw error;
    throw new SetupError(
      failure.errors
        .map(({ text, location: at }) => `${at ? `${at.file}:${at.line}:${at.column + 1}: ` : ''}${text}`)
        .join('\n'),
    );
  }
}

/**
 * @typedef {object} Entry
 * @property {string} [file] An absolute path, or
 * @property {string} [contents] TypeScript that stands in the checkout's root.
 */

/** @param {Entry} entry @returns {esbuild.BuildOptions} */
const from = (entry) =>
  entry.file === undefined
    ? { stdin: { contents: entry.contents ?? '', resolveDir: root, loader: 'ts', sourcefile: 'entry.ts' } }
    : { entryPoints: [entry.file] };

/** What `using` and `await using` look for, which QuickJS has not: esbuild's lowering falls back to these, a class does not. */
const disposeSymbols = `for (const name of ['dispose', 'asyncDispose'])
  if (!Symbol[name]) Object.defineProperty(Symbol, name, { value: Symbol.for('Symbol.' + name) });`;

/**
 * For QuickJS. Names are kept, since messages and stacks show them; the text itself is not in the bytecode, so
 * shortening it would save nothing.
 * @param {Entry} entry
 * @param {{ version: string, alias?: Record<string, string> }} options
 */
export const bundleForQuickjs = (entry, { version, alias = {} }) =>
  bundle({
    ...from(entry),
    platform: 'neutral',
    external: engineModules,
    minifySyntax: true,
    write: false,
    outfile: 'bundle.js',
    sourcemap: 'external',
    alias,
    define: { KATA_VERSION: JSON.stringify(version) },
    banner: { js: disposeSymbols },
  });

/**
 * `os` and `std` are refused, and of `sys` there is only text, so that a module that makes system calls and calls
 * itself pure is found here and not by a user.
 * @type {esbuild.Plugin}
 */
const onlyPure = {
  name: 'only-pure',
  setup(on) {
    on.onResolve({ filter: /^(os|std)$/ }, ({ path: name, importer }) => {
      const text = `${path.relative(root, importer)} imports '${name}' of QuickJS: it is not pure, its test is a .sys.test.ts`;
      return { errors: [{ text }] };
    });
    on.onResolve({ filter: /^sys$/ }, () => ({ path: path.join(root, 'test/harness/sys-for-node.ts') }));
  },
};

/**
 * Tests for Node, each file by itself.
 * @param {string[]} files Absolute paths.
 * @param {string} folder Where the bundles go, by the same names with `.mjs`.
 * @returns {Promise<string[]>} The bundles.
 */
export async function bundleForNode(files, folder) {
  await bundle({
    entryPoints: files,
    outbase: root,
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    platform: 'node',
    target: 'node20',
    packages: 'external',
    sourcemap: 'inline',
    define: { KATA_VERSION: JSON.stringify('test') },
    plugins: [onlyPure],
  });
  return files.map((file) => path.join(folder, path.relative(root, file)).replace(/\.ts$/, '.mjs'));
}
