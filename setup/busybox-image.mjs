// The image `busybox` that needs no network: Debian's busybox-static in an OCI image layout.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { root, share } from './paths.mjs';
import { step } from './progress.mjs';
import { run, SetupError } from './run.mjs';
import { hashOf, unlessDone, writeWhole } from './stamp.mjs';
import { tar } from './tar.mjs';

const layout = path.join(share, 'images/busybox');
/** What the guest's debug console runs (`debug_console_shell`). */
const shell = path.join(share, 'debug-console-shell');
const busybox = '/bin/busybox';

/** @type {[name: string, mode: number][]} */
const folders = [
  ['bin/', 0o755],
  ['dev/', 0o755],
  ['etc/', 0o755],
  ['home/', 0o755],
  ['proc/', 0o555],
  ['root/', 0o700],
  ['run/', 0o755],
  ['sys/', 0o555],
  ['tmp/', 0o1777],
  ['usr/', 0o755],
  ['usr/bin/', 0o755],
  ['var/', 0o755],
  ['var/tmp/', 0o1777],
];

const users = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
`;
const groups = `root:x:0:
daemon:x:1:
tty:x:5:
disk:x:6:
www-data:x:33:
users:x:100:
nogroup:x:65534:
`;

/** The image's one layer. */
async function layer() {
  const applets = (await run(busybox, ['--list'])).toString().trim().split('\n');
  return tar([
    ...folders.map(([name, mode]) => ({ name, mode })),
    { name: 'bin/busybox', mode: 0o755, content: fs.readFileSync(busybox) },
    ...applets
      .filter((name) => name !== 'busybox')
      .map((name) => ({ name: `bin/${name}`, mode: 0o777, target: 'busybox' })),
    // Programs that are started by their whole path in scripts made elsewhere.
    { name: 'usr/bin/env', mode: 0o777, target: '/bin/busybox' },
    { name: 'etc/passwd', mode: 0o644, content: Buffer.from(users) },
    { name: 'etc/group', mode: 0o644, content: Buffer.from(groups) },
  ]);
}

/** @param {Uint8Array} bytes */
const digest = (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/**
 * Writes the layout (OCI image-spec, image-layout.md).
 * @param {string} folder
 */
async function writeLayout(folder) {
  /** @param {string} mediaType @param {Uint8Array} bytes */
  const blob = (mediaType, bytes) => {
    writeWhole(path.join(folder, 'blobs/sha256', digest(bytes).slice('sha256:'.length)), bytes);
    return { mediaType, digest: digest(bytes), size: bytes.length };
  };
  /** @param {unknown} value */
  const json = (value) => Buffer.from(JSON.stringify(value));
  const oci = 'application/vnd.oci.image';
  const archive = await layer();
  const layers = [blob(`${oci}.layer.v1.tar+gzip`, gzipSync(archive, { level: 9 }))];
  const created = '1970-01-01T00:00:00Z';
  const config = blob(
    `${oci}.config.v1+json`,
    json({
      created,
      architecture: 'amd64',
      os: 'linux',
      config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], Cmd: ['sh'] },
      rootfs: { type: 'layers', diff_ids: [digest(archive)] },
      history: [{ created, created_by: "kata-ts: Debian's busybox-static" }],
    }),
  );
  const manifest = blob(
    `${oci}.manifest.v1+json`,
    json({ schemaVersion: 2, mediaType: `${oci}.manifest.v1+json`, config, layers }),
  );
  const named = { ...manifest, annotations: { 'org.opencontainers.image.ref.name': 'latest' } };
  writeWhole(
    path.join(folder, 'index.json'),
    json({ schemaVersion: 2, mediaType: `${oci}.index.v1+json`, manifests: [named] }),
  );
  writeWhole(path.join(folder, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }));
}

/** Makes the image, unless it was made of this busybox. */
export async function makeBusyboxImage() {
  if (!fs.existsSync(busybox)) throw new SetupError(`${busybox} is missing. Run: apt-get install busybox-static`);
  const ownFiles = ['busybox-image', 'tar'].map((name) => ({ file: path.join(root, `setup/${name}.mjs`) }));
  await unlessDone('busybox', hashOf([{ file: busybox }, ...ownFiles]), [path.join(layout, 'index.json'), shell], () =>
    step('image busybox', async () => {
      const temporary = `${layout}.tmp`;
      fs.rmSync(temporary, { recursive: true, force: true });
      await writeLayout(temporary);
      fs.rmSync(layout, { recursive: true, force: true });
      fs.renameSync(temporary, layout);
      fs.copyFileSync(busybox, shell);
      fs.chmodSync(shell, 0o755);
    }),
  );
}
