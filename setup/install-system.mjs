// npm run install:system [-- --prefix /opt/kata --bin /usr/local/bin]: builds, copies dist/ to the prefix, links its programs.
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { dist } from './paths.mjs';
import { prepare } from './prepare.mjs';
import { main } from './run.mjs';
import { filesBelow } from './stamp.mjs';

/**
 * Puts a symlink in its place whole.
 * @param {string} target
 * @param {string} file
 */
function link(target, file) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.rmSync(`${file}.tmp`, { force: true });
  fs.symlinkSync(target, `${file}.tmp`);
  fs.renameSync(`${file}.tmp`, file);
}

await main(async () => {
  const { values } = parseArgs({
    options: { prefix: { type: 'string', default: '/opt/kata' }, bin: { type: 'string', default: '/usr/local/bin' } },
  });
  const prefix = path.resolve(values.prefix);
  await prepare({ forTests: false });
  // File by file, each by a rename: programs that run go on with what they were started from.
  for (const file of filesBelow(dist, () => true)) {
    const to = path.join(prefix, path.relative(dist, file));
    fs.mkdirSync(path.dirname(to), { recursive: true });
    fs.copyFileSync(file, `${to}.tmp`);
    fs.renameSync(`${to}.tmp`, to);
  }
  link('kata-runtime', path.join(prefix, 'bin/containerd-shim-kata-v2'));
  for (const name of fs.readdirSync(path.join(prefix, 'bin'))) {
    link(path.join(prefix, 'bin', name), path.join(values.bin, name));
    console.log(`${path.join(values.bin, name)} -> ${path.join(prefix, 'bin', name)}`);
  }
});
