import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KataError } from '../../errors/kata-error.ts';
import { listDirectory, makeDirectories, makeTemporaryDirectory, removeTree } from '../../os/directory.ts';
import { exists, rename, writeFile } from '../../os/file.ts';
import { mount, umount } from '../../os/mount.ts';
import { runChecked } from '../../os/process.ts';
import { stat } from '../../os/stat.ts';
import { ImageCache } from '../image-cache.ts';
import { ImageStore } from './image-store.ts';

type Context = { after(body: () => unknown): void };

/** Writes an image layout of one layer, a tar of what `fill` made; its name in the index is `tag`. */
async function writeLayout(layout: string, tag: string, fill: string): Promise<void> {
  makeDirectories(`${layout}/blobs/sha256`);
  makeDirectories(`${layout}/files`);
  await runChecked([
    'sh',
    '-e',
    '-c',
    `cd "$1"; ${fill}; tar --numeric-owner -cf ../layer.tar .`,
    'sh',
    `${layout}/files`,
  ]);
  /** A file becomes a blob; its digest is sha256sum's, which is fast. */
  const blobOf = async (mediaType: string, path: string) => {
    const hex = (await runChecked(['sha256sum', path])).slice(0, 64);
    rename(path, `${layout}/blobs/sha256/${hex}`);
    return { mediaType, digest: `sha256:${hex}`, size: stat(`${layout}/blobs/sha256/${hex}`).sizeBytes };
  };
  const jsonBlob = (mediaType: string, value: unknown) => {
    writeFile(`${layout}/json`, JSON.stringify(value));
    return blobOf(mediaType, `${layout}/json`);
  };
  const oci = 'application/vnd.oci.image';
  const layer = await blobOf(`${oci}.layer.v1.tar`, `${layout}/layer.tar`);
  const config = await jsonBlob(`${oci}.config.v1+json`, {
    architecture: 'amd64',
    os: 'linux',
    config: { Cmd: ['sh'], Env: ['A=b'], User: '1:2' },
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
  });
  const manifest = await jsonBlob(`${oci}.manifest.v1+json`, { schemaVersion: 2, config, layers: [layer] });
  const annotations = { 'org.opencontainers.image.ref.name': tag };
  writeFile(`${layout}/index.json`, JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }));
  writeFile(`${layout}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
  removeTree(`${layout}/files`);
}

interface Scene {
  folder: string;
  store: ImageStore;
  cache: ImageCache;
}

async function scene(t: Context): Promise<Scene> {
  const folder = makeTemporaryDirectory('/tmp/kata-images-test-');
  t.after(() => removeTree(folder));
  await writeLayout(`${folder}/built-in/tiny`, 'latest', 'echo built-in >kind');
  await writeLayout(`${folder}/app`, 'v1', 'echo one >kind');
  makeDirectories(`${folder}/seen`);
  return {
    folder,
    store: new ImageStore({
      directory: `${folder}/store`,
      builtInDirectory: `${folder}/built-in`,
      workingDirectory: folder,
    }),
    cache: new ImageCache({ directory: `${folder}/cache`, sizeMib: 0 }),
  };
}

/** What a command prints in the image's files. */
async function inImage({ folder, store, cache }: Scene, name: string, command: string): Promise<string> {
  const root = await store.rootImage(store.get(name), cache);
  try {
    await runChecked(['mount', '-t', 'erofs', '-o', 'ro,loop', root.path, `${folder}/seen`]);
    try {
      return await runChecked(['sh', '-c', `cd ${folder}/seen; ${command}`]);
    } finally {
      umount(`${folder}/seen`);
    }
  } finally {
    root.release();
  }
}
const blobs = ({ folder }: Scene): string[] => listDirectory(`${folder}/store/blobs/sha256`);

describe('the images of this machine', () => {
  test('include one that came with the installation, with no network and nothing pulled', async (t) => {
    const s = await scene(t);
    const image = s.store.get('tiny');
    assert.equal(image.name, 'docker.io/library/tiny:latest');
    assert.ok(image.builtIn);
    assert.deepEqual(JSON.parse(s.store.configText(image)).config, { Cmd: ['sh'], Env: ['A=b'], User: '1:2' });
    assert.equal(await inImage(s, 'tiny', 'cat kind'), 'built-in\n');
    await assert.rejects(s.store.remove('tiny'), { code: 'failed-precondition' });
    assert.ok(!exists(`${s.folder}/store`));
  });

  test('are pulled, listed, found by name or digest, used, and removed with all that is theirs', async (t) => {
    const s = await scene(t);
    const pulled = await s.store.pull('oci:app:v1');
    assert.equal(pulled.name, `oci:${s.folder}/app:v1`);
    assert.deepEqual(
      s.store.list().map(({ name }) => name),
      ['docker.io/library/tiny:latest', pulled.name],
    );
    const short = pulled.digest.slice('sha256:'.length, 'sha256:'.length + 12);
    assert.equal(s.store.get(short).name, pulled.name);
    assert.equal(s.store.get(pulled.digest).name, pulled.name);
    assert.equal(await inImage(s, 'oci:app:v1', 'cat kind'), 'one\n');
    assert.equal(blobs(s).length, 3);

    // The same name, something else behind it.
    removeTree(`${s.folder}/app`);
    await writeLayout(`${s.folder}/app`, 'v1', 'echo two >kind');
    const again = await s.store.pull('oci:app:v1');
    assert.notEqual(again.digest, pulled.digest);
    assert.equal(await inImage(s, 'oci:app:v1', 'cat kind'), 'two\n');
    await s.store.remove('oci:app:v1');
    assert.equal(s.store.find('oci:app:v1'), null);
    assert.deepEqual(blobs(s), []);
    assert.deepEqual(listDirectory(`${s.folder}/store`), [
      'blobs',
      'index.json',
      'index.lock',
      'oci-layout',
      'pull.lock',
    ]);
    s.cache.sweep();
    assert.ok(!listDirectory(`${s.folder}/cache`).some((name) => name.startsWith(`oci-${again.digest.slice(7)}`)));
  });

  test('come from archives and folders too', async (t) => {
    const s = await scene(t);
    const files = { 'oci-archive': 'app.oci.tar', 'docker-archive': 'app.docker.tar', dir: 'app.dir' };
    for (const [transport, file] of Object.entries(files)) {
      await runChecked(['skopeo', 'copy', `oci:${s.folder}/app:v1`, `${transport}:${s.folder}/${file}`]);
      const image = await s.store.pull(`${transport}:${file}`);
      assert.equal(await inImage(s, image.name, 'cat kind'), 'one\n', transport);
    }
    assert.equal(s.store.list().length, 4);
  });

  test('that are pulled at the same time are all there', async (t) => {
    const s = await scene(t);
    for (const name of ['a', 'b', 'c']) await writeLayout(`${s.folder}/${name}`, 'v1', `echo ${name} >kind`);
    await Promise.all(['a', 'b', 'c'].map((name) => s.store.pull(`oci:${name}:v1`)));
    assert.equal(s.store.list().length, 4);
    for (const name of ['a', 'b', 'c']) assert.equal(await inImage(s, `oci:${name}:v1`, 'cat kind'), `${name}\n`);
  });

  test('that are hostile harm neither the host nor the one who removes them', async (t) => {
    const s = await scene(t);
    const canary = `${s.folder}/canary`;
    makeDirectories(canary);
    await writeLayout(
      `${s.folder}/app`,
      'v1',
      `ln -s / root; ln -s ${canary} way-out; mknod disk b 7 0; mknod null c 1 3; echo x >"two
lines"; echo x >setuid; chmod 4755 setuid; ln setuid hard; mkfifo fifo; truncate -s 20M sparse;
        d=.; i=0; while [ $i -lt 100 ]; do d=$d/d; i=$((i+1)); done; mkdir -p $d`,
    );
    // A second layer's worth of evil: a member behind a symlink that an earlier member made.
    const image = await s.store.pull('oci:app:v1');
    const seen = await inImage(
      s,
      image.name,
      `readlink root way-out; stat -c '%a %h %n' setuid; stat -c '%t:%T' disk null; stat -c %s sparse; find . | wc -l`,
    );
    assert.deepEqual(seen.split('\n'), ['/', canary, '4755 2 setuid', '7:0', '1:3', '20971520', '111', '']);
    assert.deepEqual(listDirectory(canary), []);
    assert.ok(!listDirectory(`${s.folder}/cache`).some((name) => name.endsWith('.tmp')));
  });

  test('whose layers reach outside by a symlink are unpacked inside', async (t) => {
    const s = await scene(t);
    const canary = `${s.folder}/canary`;
    makeDirectories(canary);
    await writeLayout(
      `${s.folder}/app`,
      'v1',
      `mkdir ../evil; cd ../evil; ln -s ${canary} link; tar -cf ../l.tar link; rm link; mkdir link; echo x >link/planted;
       tar -rf ../l.tar link/planted; cd ../files; rm -rf ../evil; mv ../l.tar evil.tar`,
    );
    // The archive itself becomes the layer.
    const layout = `${s.folder}/app`;
    await writeLayout(
      `${s.folder}/outer`,
      'v1',
      `cp ${layout}/blobs/sha256/$(ls -S ${layout}/blobs/sha256 | head -1) .; tar -xf *; rm ????*.tar 2>/dev/null || true`,
    );
    const image = await s.store.pull('oci:app:v1');
    assert.equal(await inImage(s, image.name, 'ls'), 'evil.tar\n');
    assert.deepEqual(listDirectory(canary), []);
  });

  test('that are broken can still be listed and removed, and say what is wrong', async (t) => {
    const s = await scene(t);
    const image = await s.store.pull('oci:app:v1');
    writeFile(`${s.folder}/store/blobs/sha256/${image.digest.slice(7)}`, '{"layers": []}');
    assert.equal(s.store.list().length, 2);
    assert.throws(() => s.store.configText(s.store.get('oci:app:v1')), { code: 'data-loss', hint: /pull it again/ });
    await s.store.remove('oci:app:v1');
    assert.deepEqual(blobs(s), []);
  });

  test('that cannot be fetched are explained in one line, and leave nothing', async (t) => {
    const s = await scene(t);
    const failure = async (reference: string): Promise<KataError> => {
      try {
        await s.store.pull(reference);
      } catch (error) {
        return KataError.from(error);
      }
      throw new Error(`${reference} is expected to fail`);
    };
    assert.equal((await failure('oci:nowhere:v1')).code, 'not-found');
    assert.equal((await failure('oci:app:v2')).code, 'not-found');
    assert.equal((await failure('oci-archive:nowhere.tar')).code, 'not-found');
    writeFile(`${s.folder}/text.tar`, 'no archive');
    const noArchive = await failure('docker-archive:text.tar');
    assert.notEqual(noArchive.code, 'unknown', noArchive.line);
    // Nothing listens there.
    const refused = await failure('127.0.0.1:1/app');
    assert.equal(refused.code, 'unavailable', refused.line);
    assert.match(refused.line, /^the registry of 127\.0\.0\.1:1\/app:latest cannot be reached: connection refused \(/);
    assert.throws(() => s.store.get('oci:app:v1'), { code: 'not-found', hint: 'kata-runtime pull oci:app:v1' });
    assert.deepEqual(listDirectory(`${s.folder}/store`), ['blobs', 'pull.lock']);
  });

  test('that do not fit on the disk are explained, and leave nothing', async (t) => {
    const s = await scene(t);
    await writeLayout(`${s.folder}/app`, 'v1', 'head -c 3000000 /dev/urandom >big');
    makeDirectories(`${s.folder}/store`);
    mount('none', `${s.folder}/store`, 'tmpfs', 0, 'size=2m');
    try {
      await assert.rejects(s.store.pull('oci:app:v1'), { code: 'resource-exhausted', hint: /free some space/ });
      assert.deepEqual(blobs(s), []);
    } finally {
      umount(`${s.folder}/store`);
    }
    const image = await s.store.pull('oci:app:v1');
    mount('none', `${s.folder}/cache`, 'tmpfs', 0, 'size=2m');
    try {
      const cache = new ImageCache({ directory: `${s.folder}/cache`, sizeMib: 0 });
      await assert.rejects(s.store.rootImage(image, cache), { code: 'resource-exhausted', errno: 'ENOSPC' });
      cache.sweep(0);
      assert.deepEqual(listDirectory(`${s.folder}/cache`), ['mount']);
    } finally {
      umount(`${s.folder}/cache`);
    }
  });
});
