import type { Config } from '../../config/config.ts';
import { KataError } from '../../errors/kata-error.ts';
import type { SavedVmm, Snapshot } from '../../hypervisor/hypervisor.ts';
import { notePages } from '../../hypervisor/qemu/saved-vmm.ts';
import { makeDirectory, removeTree } from '../../os/directory.ts';
import { readFile, readlink, writeFile } from '../../os/file.ts';
import { dropZeroPages } from '../../os/sparse-file.ts';
import { stat } from '../../os/stat.ts';
import { sleep } from '../../os/timer.ts';
import { makeErofsImage } from '../../rootfs/erofs-image.ts';
import type { RootImage } from '../../rootfs/root-image.ts';
import { imagePathIn, memoryPathIn, pagesPathIn, statePathIn, type Template, warmUpRootPathIn } from './template.ts';
import { TemplateVm } from './template-vm.ts';
import { runWarmUp, warmUp } from './warm-up.ts';
import { WARM_UP_PROGRAM } from './warm-up-spec.ts';

/** After the last word, the guest gets so long to finish what it had put off: then every clone begins at rest. */
const REST_MS = 150;

/** What a template's maker knows of it. */
export type MadeTemplate = Omit<Template, 'version' | 'fingerprint' | 'files' | 'madeAtMs'>;

/**
 * Boots a guest whose memory is a file in `folder`, warms it up, and saves it there. Its VM is gone when this returns.
 *
 * Where the guest's code is translated, a second QEMU warms it up, and is saved with the guest: what it has translated is
 * what a start needs, not a boot. A first clone then shows which pages a start touches.
 */
export async function makeTemplate(
  config: Config,
  folder: string,
  log: (message: string) => void,
): Promise<MadeTemplate> {
  // Within the folder, so that it goes with it should this be killed.
  const workplace = `${folder}/work`;
  makeDirectory(workplace, 0o700);
  const socketPath = `${workplace}/s`;
  const memoryPath = memoryPathIn(folder);
  const maker = new TemplateVm(config, log);
  try {
    writeFile(memoryPath, '', 0o600);
    const image = makeWarmUpRoot(workplace, warmUpRootPathIn(folder));
    image.catch(() => {});
    await maker.start({ kind: 'template', memoryPath, from: null });
    const translates = maker.qemu.accelerator?.name === 'tcg';
    if (translates) {
      const booted = await maker.save({ statePath: `${workplace}/state`, socketPath, process: null, isSparse: false });
      await maker.stop();
      await maker.start({ kind: 'template', memoryPath, from: booted });
    }
    await maker.run(warmUp, await image);
    await maker.clearFreeMemory();
    await sleep(REST_MS);
    const snapshot = await maker.save({
      statePath: statePathIn(folder),
      socketPath,
      process: translates ? { imagePath: imagePathIn(folder), pagesPath: pagesPathIn(folder) } : null,
      isSparse: true,
    });
    await maker.stop();
    if (snapshot.process !== null) dropZeroPages(pagesPathIn(folder));
    if (snapshot.process !== null) snapshot.process = await tryOut(maker, snapshot, snapshot.process, await image, log);
    return {
      memoryBytes: stat(memoryPath).sizeBytes,
      stateBytes: stat(snapshot.statePath).sizeBytes,
      stateChecksum: snapshot.stateChecksum,
      vmmVersion: snapshot.vmmVersion,
      processChecksum: snapshot.process?.checksum ?? null,
      interfaceFeatures: snapshot.interfaceFeatures,
      agentStreamId: snapshot.agentStreamId,
    };
  } catch (error) {
    throw KataError.wrap(error, 'make a template');
  } finally {
    await maker.stop();
    removeTree(workplace);
  }
}

/** Starts a first clone, and notes what it touches until it has run a container; null when a saved QEMU does not come back. */
async function tryOut(
  maker: TemplateVm,
  snapshot: Snapshot,
  process: SavedVmm,
  root: RootImage,
  log: (message: string) => void,
): Promise<SavedVmm | null> {
  await maker.start({ kind: 'clone', snapshot });
  if (!maker.qemu.isResumed) return null;
  await maker.run(runWarmUp, root);
  try {
    return notePages(maker.qemu.pid, process);
  } catch (error) {
    log(`which pages a start touches is not known: ${KataError.from(error).line}`);
    return process;
  }
}

/**
 * A root of one program that ends at once: this one, which is at hand and needs no library. Nothing of an image is run. Its
 * folders are those of a small image, with lists of users to be read, and without mount points.
 */
async function makeWarmUpRoot(workplace: string, path: string): Promise<RootImage> {
  const [source, mountPoint] = [`${workplace}/root`, `${workplace}/mount`];
  makeDirectory(source);
  makeDirectory(mountPoint);
  writeFile(`${source}${WARM_UP_PROGRAM}`, readFile(readlink('/proc/self/exe')), 0o755);
  makeDirectory(`${source}/etc`);
  writeFile(`${source}/etc/passwd`, 'root:x:0:0:root:/root:/bin/sh\n', 0o644);
  writeFile(`${source}/etc/group`, 'root:x:0:\n', 0o644);
  writeFile(path, '', 0o600);
  await makeErofsImage({ kind: 'bind', source }, path, mountPoint);
  return { path, fsType: 'erofs', release: () => {} };
}
