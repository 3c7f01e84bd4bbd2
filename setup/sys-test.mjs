// node setup/sys-test.mjs [FILE… | WORD]: tests of modules that make system calls, in one QuickJS binary, as root.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { SourceMap } from 'node:module';
import path from 'node:path';
import readline from 'node:readline';
import { pathToFileURL } from 'node:url';
import { compileQuickjs } from './compile.mjs';
import { findTests } from './find-tests.mjs';
import { isolated } from './isolation.mjs';
import { withLock } from './lock.mjs';
import { build, root } from './paths.mjs';
import { main } from './run.mjs';

const harness = path.join(root, 'test/harness');
/** What stands in for Node's modules. */
const alias = {
  'node:test': path.join(harness, 'tree.ts'),
  'node:assert/strict': path.join(harness, 'assert.ts'),
  'node:assert': path.join(harness, 'assert.ts'),
};

/**
 * One module that imports all test files, each after telling its name, and runs what they declared.
 * @param {string[]} files
 * @param {string} title
 */
const entryOf = (files, title) => `
${files
  .flatMap((file) => [
    `import ${JSON.stringify(`data:text/javascript,globalThis.currentTestFile=${JSON.stringify(path.relative(root, file))}`)};`,
    `import ${JSON.stringify(file)};`,
  ])
  .join('\n')}
import { run } from './test/harness/run.ts';
// Not awaited here: QuickJS looks for timers between any two promise jobs while a module awaits, and may sleep there.
run(${JSON.stringify(title)});
`;

/**
 * A line with the places of the bundle replaced by those of the sources.
 * @param {string} line
 * @param {SourceMap} map
 */
const mapped = (line, map) =>
  line.replace(/\bsys-tests\.js:(\d+)(?::(\d+))?/g, (place, row, column) => {
    const found = map.findEntry(Number(row) - 1, Number(column ?? 1) - 1);
    return 'originalSource' in found
      ? `${found.originalSource}:${found.originalLine + 1}:${found.originalColumn + 1}`
      : place;
  });

/**
 * @param {string[]} asked
 * @returns {Promise<import('./find-tests.mjs').Counts>}
 */
export async function runSysTests(asked) {
  const { files, title } = findTests(['src', 'test'], (name) => name.endsWith('.sys.test.ts'), asked);
  if (files.length === 0) return { passed: 0, failed: 0 };
  const folder = path.join(build, 'sys', String(process.pid));
  const binary = path.join(folder, 'sys-tests');
  try {
    const map = new SourceMap(
      JSON.parse(await withLock(() => compileQuickjs({ contents: entryOf(files, title) }, binary, alias))),
    );
    const [program = '', ...args] = isolated([binary], 'private');
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    let last = '';
    /** @type {Promise<number | string>} */
    const ended = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (status, signal) => resolve(signal ?? status ?? 1));
    });
    for await (const line of readline.createInterface({ input: child.stdout })) {
      last = line;
      console.log(mapped(line, map));
    }
    const how = await ended;
    const counts = last.match(/^(\d+) passed, (\d+) failed$/);
    if (counts) return { passed: Number(counts[1]), failed: Number(counts[2]) };
    console.log(`✖ the test program ended by itself (${how}) after this line: ${last}`);
    return { passed: 0, failed: 1 };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  await main(async () => ((await runSysTests(process.argv.slice(2))).failed > 0 ? 1 : 0));
