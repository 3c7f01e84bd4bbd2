// TypeScript to static binaries: esbuild, then QuickJS's compiler to bytecode in C, then one static link with sys.c.
import fs from 'node:fs';
import path from 'node:path';
import { agentBinary, build, dist, root } from './paths.mjs';
import { fetchDebs } from './private-apt.mjs';
import { step } from './progress.mjs';
import { answer, run, SetupError } from './run.mjs';
import { filesBelow, hashOf, unlessDone } from './stamp.mjs';

const sysC = path.join(root, 'src/syscall/sys.c');

/** QuickJS, its library and a C library, of Debian 13: Debian 12 has them too old. The compiler is the host's. */
const quickjsPackages = ['quickjs', 'libquickjs', 'libc6', 'libc6-dev', 'linux-libc-dev'];

const compilerFlags = ['-O2', '-ffunction-sections', '-fdata-sections', '-fno-pie', '-nostdinc'];

/** The version that the programs tell. */
const version = () =>
  /** @type {string} */ (JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')).version);

/** Where the tools stand, after fetching them and compiling sys.c if that has to be done. */
async function toolchain() {
  const { folder, versions } = await fetchDebs('trixie', 'quickjs', quickjsPackages);
  const lib = path.join(folder, 'usr/lib/x86_64-linux-gnu');
  const gccLib = path.dirname(answer('gcc', ['-print-libgcc-file-name'])?.trim() ?? '');
  const usr = path.join(folder, 'usr/include');
  const includes = [path.join(gccLib, 'include'), usr, path.join(usr, 'x86_64-linux-gnu'), path.join(usr, 'quickjs')];
  const flags = [...compilerFlags, ...includes.flatMap((include) => ['-isystem', include])];
  const sysObject = path.join(build, 'sys.o');
  const key = hashOf([{ file: sysC }, JSON.stringify([flags, versions]), answer('gcc', ['--version']) ?? '']);
  await unlessDone('sys.o', key, [sysObject], async () => {
    const temporary = `${sysObject}.${process.pid}.o`;
    await run('gcc', [...flags, '-Wall', '-Werror', '-c', '-o', temporary, sysC]);
    fs.renameSync(temporary, sysObject);
  });
  return { lib, gccLib, folder, flags, sysObject, key };
}

/**
 * What a program's own code takes of its heap, in quarters of a MiB (`populate_heap` in sys.c): a quarter too little is 64 page
 * faults, 1 ms here; one too much is memory.
 */
const HEAP_QUARTERS = { host: 13, agent: 9 };

/**
 * Compiles a bundle to a static binary.
 * @param {string} script JavaScript, one ES module.
 * @param {string} output The binary's path.
 * @param {number} [heapQuarters]
 */
async function linkScript(script, output, heapQuarters = HEAP_QUARTERS.agent) {
  const { lib, gccLib, folder, flags, sysObject } = await toolchain();
  const work = path.join(build, 'compile', `${path.basename(output)}.${process.pid}`);
  fs.mkdirSync(work, { recursive: true });
  fs.mkdirSync(path.dirname(output), { recursive: true });
  try {
    /** @param {string} name */
    const at = (name) => path.join(work, name);
    // QuickJS names the module in stack traces after the file.
    const source = at(`${path.basename(output)}.js`);
    fs.writeFileSync(source, script);
    await run(
      path.join(lib, 'ld-linux-x86-64.so.2'),
      [
        ...['--library-path', lib, path.join(folder, 'usr/bin/qjsc')],
        ...['-e', '-m', '-M', 'sys,sys', '-o', at('main.c'), path.basename(source)],
      ],
      { cwd: work },
    );
    await run('gcc', [...flags, '-c', '-o', at('main.o'), at('main.c')]);
    /** @param {string} pattern */
    const libm = fs
      .readdirSync(lib)
      .filter((name) => /^libm-2.*\.a$/.test(name))
      .map((name) => path.join(lib, name));
    await run('gcc', [
      ...['-static', '-no-pie', '-nostdlib', '-nostartfiles', '-s', '-Wl,--gc-sections', '-o', at('linked')],
      `-Wl,--defsym=heap_quarters=${heapQuarters}`,
      ...[path.join(lib, 'crt1.o'), path.join(lib, 'crti.o'), path.join(gccLib, 'crtbeginT.o')],
      ...[at('main.o'), sysObject, path.join(lib, 'quickjs/libquickjs.a')],
      ...['-Wl,--start-group', path.join(lib, 'libc.a'), ...libm, path.join(lib, 'libmvec.a')],
      ...[path.join(gccLib, 'libgcc.a'), path.join(gccLib, 'libgcc_eh.a'), '-Wl,--end-group'],
      ...[path.join(gccLib, 'crtend.o'), path.join(lib, 'crtn.o')],
    ]);
    // Renamed within one folder, so that a running program is not changed under its feet.
    fs.copyFileSync(at('linked'), `${output}.${process.pid}.tmp`);
    fs.renameSync(`${output}.${process.pid}.tmp`, output);
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

/**
 * Compiles a TypeScript entry to a static binary, whether or not that was done before.
 * @param {import('./bundle.mjs').Entry} entry
 * @param {string} output The binary's path.
 * @param {Record<string, string>} [alias] Modules that are replaced.
 * @returns {Promise<string>} The source map of the script that stack traces name.
 */
export async function compileQuickjs(entry, output, alias = {}) {
  const { bundleForQuickjs } = await import('./bundle.mjs');
  const { text, map } = await bundleForQuickjs(entry, { version: version(), alias });
  await linkScript(text, output);
  return map;
}

/** Sources of the products: no tests, not what the protocols were generated from. */
const sources = () => filesBelow(path.join(root, 'src'), (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));

/**
 * The products. Each is made again only when its bundle or the tools changed.
 * @returns {Promise<void>}
 */
export async function compileProducts() {
  const products = [
    {
      title: 'kata-runtime and containerd-shim-kata-v2',
      entry: 'src/main-host.ts',
      output: path.join(dist, 'bin/kata-runtime'),
      heapQuarters: HEAP_QUARTERS.host,
    },
    {
      title: 'kata-agent',
      entry: 'src/agent/main.ts',
      output: agentBinary,
      heapQuarters: HEAP_QUARTERS.agent,
    },
  ];
  const { key: tools } = await toolchain();
  const ownFiles = ['setup/bundle.mjs', 'setup/compile.mjs', 'package-lock.json'].map((name) => ({
    file: path.join(root, name),
  }));
  const key = hashOf([tools, version(), ...ownFiles, ...sources().map((file) => ({ file }))]);
  const outputs = products.map(({ output }) => output);
  await unlessDone('products', key, outputs, async () => {
    const { bundleForQuickjs } = await import('./bundle.mjs');
    /** @param {typeof products[number]} product */
    const compile = async ({ title, entry, output, heapQuarters }) => {
      const { text: script } = await bundleForQuickjs({ file: path.join(root, entry) }, { version: version() });
      await unlessDone(path.basename(output), hashOf([tools, script, ...ownFiles.slice(0, 2)]), [output], () =>
        step(`compile ${title}`, () => linkScript(script, output, heapQuarters)),
      );
    };
    // Both are tried, so that a mistake in one keeps nobody from the other.
    const results = await Promise.allSettled(products.map(compile));
    const failed = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    if (failed.length > 0) throw failed.find((error) => !(error instanceof SetupError)) ?? joined(failed);
  });
  linkNames();
}

/** @param {SetupError[]} errors */
const joined = (errors) => new SetupError(errors.map(({ message }) => message).join('\n'));

/** The host's binary by its other name; it looks at the name it was called by. */
function linkNames() {
  const other = path.join(dist, 'bin/containerd-shim-kata-v2');
  if (!fs.existsSync(path.join(dist, 'bin/kata-runtime'))) return;
  if (fs.lstatSync(other, { throwIfNoEntry: false })) return;
  fs.symlinkSync('kata-runtime', other);
}
