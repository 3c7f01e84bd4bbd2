// The map of ARCHITECTURE.md holds: who may import whom.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const OF_ALL = ['errors', 'version.ts'];
const ALLOWED: Record<string, string[]> = {
  'main-host.ts': ['os', 'runtime', 'shim'],
  'version.ts': [],
  errors: [],
  syscall: [],
  os: ['syscall'],
  protocols: [],
  ttrpc: ['protocols', 'os'],
  oci: ['protocols'],
  config: ['os'],
  agent: ['oci', 'protocols', 'ttrpc', 'os', 'syscall'],
  hypervisor: ['os', 'config', 'syscall'],
  rootfs: ['os', 'config', 'syscall'],
  sandbox: ['hypervisor', 'rootfs', 'oci', 'config', 'protocols', 'ttrpc', 'os', 'syscall'],
  shim: ['sandbox', 'oci', 'config', 'protocols', 'ttrpc', 'os', 'syscall'],
  runtime: ['shim', 'sandbox', 'rootfs', 'oci', 'config', 'protocols', 'ttrpc', 'os', 'syscall'],
};

/** Each product file of src/ with the files of src/ that it imports. */
function imports(): { file: string; imported: string }[] {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter(
    (name) => /\.ts$/.test(name) && !/\.d\.ts$|\.test\.ts$/.test(name),
  );
  return files.flatMap((file) =>
    [...readFileSync(path.join('src', file), 'utf8').matchAll(/(?:from|import)\s*\(?'(\.[^']+)'/g)].map((match) => ({
      file,
      imported: path.join(path.dirname(file), match[1]!),
    })),
  );
}

const room = (file: string) => file.split('/')[0]!;

test('no room imports one that the map keeps from it', () => {
  const all = imports();
  assert.ok(all.length > 500, `only ${all.length} imports were found`);
  const wrong = all.filter(({ file, imported }) => {
    const [from, to] = [room(file), room(imported)];
    return from !== to && !OF_ALL.includes(to) && !ALLOWED[from]?.includes(to);
  });
  assert.deepEqual(wrong, []);
});

test('ttrpc is pure: of os it knows the byte stream alone', () => {
  const wrong = imports().filter(
    ({ file, imported }) => room(file) === 'ttrpc' && room(imported) === 'os' && imported !== 'os/byte-stream.ts',
  );
  assert.deepEqual(wrong, []);
});
