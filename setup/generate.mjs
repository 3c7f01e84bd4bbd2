#!/usr/bin/env node
// Makes src/protocols/gen of src/protocols/proto (buf.gen.yaml says how). `--check` fails when gen isn't what it makes.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
// npm's install scripts don't run here, so the `buf` command isn't linked; its package for this machine is there.
const buf = createRequire(import.meta.url).resolve(`@bufbuild/buf-${process.platform}-${process.arch}/bin/buf`);
const generated = 'src/protocols/gen';

/** Runs buf's generator with the project's configuration, writing below `output`. @param {string} output */
function generate(output) {
  execFileSync(buf, ['generate', '--output', output], { cwd: root, stdio: 'inherit' });
}

if (process.argv.includes('--check')) {
  const scratch = mkdtempSync(path.join(tmpdir(), 'kata-ts-generate-'));
  try {
    generate(scratch);
    execFileSync('diff', ['-r', path.join(scratch, generated), generated], { cwd: root, stdio: 'inherit' });
  } catch {
    console.error(`${generated} is not what the .proto files make: run \`npm run generate\` and commit the result`);
    process.exitCode = 1;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
} else {
  generate('.');
}
