// The guest: a kernel, and an initrd that holds the agent as /init and kernel modules.
import fs from 'node:fs';
import path from 'node:path';
import { cpio } from './cpio.mjs';
import { kernelOf, uncompressedKernel } from './kernel.mjs';
import { moduleFiles, readModules } from './kernel-modules.mjs';
import { agentBinary, build, root, share } from './paths.mjs';
import { fetchDebs } from './private-apt.mjs';
import { step } from './progress.mjs';
import { hashOf, unlessDone, writeWhole } from './stamp.mjs';

const kernel = path.join(share, 'vmlinux.container');
const initrd = path.join(share, 'kata-containers-initrd.img');
const recipeFile = path.join(root, 'guest/modules.json');
/** The part of the initrd that changes only with the kernel. */
const modulesArchive = path.join(build, 'modules.cpio');

/** Mode of a folder, a file, a program. */
const FOLDER = 0o040755;
const FILE = 0o100644;
const PROGRAM = 0o100755;

/** Folders that the agent mounts on or looks into before it can make any. */
const folders = ['dev', 'lib', 'lib/modules', 'proc', 'run', 'sys', 'tmp'];

/** Makes kernel and initrd, as far as they have to be made; the initrd once there is an agent. */
export async function makeGuest() {
  const { folder, versions } = await fetchDebs('trixie', 'kernel', ['depends:linux-image-amd64']);
  const recipe = JSON.parse(fs.readFileSync(recipeFile, 'utf8'));
  const ownFiles = ['guest', 'kernel', 'kernel-modules', 'cpio'].map((name) => ({
    file: path.join(root, `setup/${name}.mjs`),
  }));
  const kernelKey = hashOf([JSON.stringify(versions), ...ownFiles]);
  const { image, modules, release } = kernelOf(folder);
  await unlessDone('kernel', kernelKey, [kernel], () =>
    step(`guest kernel ${release}`, async () => writeWhole(kernel, await uncompressedKernel(image))),
  );
  await unlessDone('modules', hashOf([kernelKey, { file: recipeFile }]), [modulesArchive], () =>
    step('guest kernel modules', async () => {
      const files = await moduleFiles(await readModules(modules, recipe));
      const entries = files.map(({ name, content }) => ({ name: `lib/modules/${name}`, mode: FILE, content }));
      writeWhole(modulesArchive, cpio([...folders.map((name) => ({ name, mode: FOLDER })), ...entries]));
    }),
  );
  if (!fs.existsSync(agentBinary)) return;
  await unlessDone(
    'initrd',
    hashOf([kernelKey, { file: modulesArchive }, { file: agentBinary }]),
    [initrd],
    async () => {
      // The kernel unpacks one archive after the other. Neither is compressed: under emulation unpacking gzip or zstd takes
      // 0.1 s more of a cold start of 2.2 s, and modules of the start that are compressed themselves, more.
      const agent = cpio([{ name: 'init', mode: PROGRAM, content: fs.readFileSync(agentBinary) }]);
      writeWhole(initrd, Buffer.concat([fs.readFileSync(modulesArchive), agent]));
    },
  );
}
