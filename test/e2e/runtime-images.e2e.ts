// kata-runtime pull, images and rmi, with images from files: no network.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { coverState, KATA_RUNTIME, kata, traces } from '../harness/kata-runtime.ts';

const LIMIT = { timeout: 60_000 };
const BUILT_IN = path.resolve(KATA_RUNTIME, '../../share/kata-containers/images/busybox');

let uncover: () => void;
let folder: string;

before(() => {
  uncover = coverState();
  folder = mkdtempSync(path.join(tmpdir(), 'kata-runtime-images-'));
});
after(() => {
  assert.deepEqual(traces(), [], 'something was left behind');
  uncover();
  rmSync(folder, { recursive: true });
});

interface Image {
  name: string;
  digest: string;
  builtIn: boolean;
}

const list = async (): Promise<Image[]> => JSON.parse((await kata(['images', '--format', 'json'])).stdout) as Image[];

describe('images', () => {
  it('busybox came with the installation, and cannot be removed', LIMIT, async () => {
    assert.deepEqual(
      (await list()).map(({ name, builtIn }) => [name, builtIn]),
      [['docker.io/library/busybox:latest', true]],
    );
    assert.match((await kata(['images'])).stdout, /^busybox +sha256:[0-9a-f]{12} +[\d.]+ MiB +installation$/m);
    const { status, stderr } = await kata(['rmi', 'busybox']);
    assert.match(stderr, /came with the installation, it is not removed/);
    assert.equal(status, 1);
  });

  for (const [kind, file] of [
    ['oci-archive', 'image.tar:v1'],
    ['docker-archive', 'docker.tar'],
    ['dir', 'folder'],
    ['oci', 'layout:v2'],
  ] as const)
    it(`of ${kind}: are fetched, run, listed and removed`, LIMIT, async () => {
      const reference = `${kind}:${folder}/${file}`;
      const made = spawnSync('skopeo', ['copy', '--quiet', `oci:${BUILT_IN}:latest`, reference], { encoding: 'utf8' });
      assert.equal(made.status, 0, made.stderr);
      const { status, stderr } = await kata(['pull', reference]);
      assert.equal(status, 0, stderr);
      assert.ok((await list()).some(({ name }) => name === reference));
      const ran = await kata(['run', '--rm', reference, 'echo', 'ran']);
      assert.equal(ran.stdout, 'ran\n', ran.stderr);
      assert.equal((await kata(['rmi', reference])).stdout, `${reference}\n`);
      assert.equal((await list()).length, 1);
    });

  it('whose configuration is not what it should be are refused by field, and nothing is started', LIMIT, async () => {
    const layout = `${folder}/crooked`;
    cpSync(BUILT_IN, layout, { recursive: true });
    const blob = (digest: string): string => `${layout}/blobs/${digest.replace(':', '/')}`;
    const store = (value: object): { digest: string; size: number } => {
      const text = JSON.stringify(value);
      const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
      writeFileSync(blob(digest), text);
      return { digest, size: text.length };
    };
    const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
    const index = read(`${layout}/index.json`);
    const manifest = read(blob(index.manifests[0].digest));
    const config = read(blob(manifest.config.digest));
    Object.assign(manifest.config, store({ ...config, config: { ...config.config, Env: [5] } }));
    Object.assign(index.manifests[0], store(manifest));
    writeFileSync(`${layout}/index.json`, JSON.stringify(index));
    const reference = `oci:${layout}:latest`;
    const { status, stderr } = await kata(['run', '--rm', '--quiet', reference, 'true']);
    assert.match(stderr, /configuration of .*crooked.*: config\.Env\[0\]: expected .*found/);
    assert.equal(status, 125);
    await kata(['rmi', reference]);
  });

  it('that are not here are fetched by run, which says so', LIMIT, async () => {
    const reference = `oci:${BUILT_IN}:latest`;
    const { stdout, stderr } = await kata(['run', '--rm', reference, 'echo', 'ran']);
    assert.equal(stdout, 'ran\n');
    assert.equal(stderr, `${reference} is not on this machine, it is fetched\n`);
    assert.equal((await kata(['run', '--rm', reference, 'true'])).stderr, '');
    const [, pulled] = await list();
    assert.equal((await kata(['rmi', reference])).status, 0);
    assert.equal(pulled?.builtIn, false);
  });

  it('that are nowhere: one line says what was expected and what to do', LIMIT, async () => {
    const { status, stderr } = await kata(['pull', `dir:${folder}/nothing`]);
    assert.match(stderr, /^kata-runtime: an image is expected at dir:.*\(check the path and the tag\)\n$/);
    assert.equal(status, 1);
    assert.equal((await kata(['rmi', 'frob'])).status, 1);
  });
});
