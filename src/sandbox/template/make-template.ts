import type { Config } from '../../config/config.ts';
import { KataError } from '../../errors/kata-error.ts';
import { Qemu } from '../../hypervisor/qemu/qemu.ts';
import { makeDirectory, removeTree } from '../../os/directory.ts';
import { readFile, readlink, writeFile } from '../../os/file.ts';
import { stat } from '../../os/stat.ts';
import { sleep } from '../../os/timer.ts';
import { makeErofsImage } from '../../rootfs/erofs-image.ts';
import type { RootImage } from '../../rootfs/root-image.ts';
import { agentClient } from '../agent-client.ts';
import { machineOptions } from '../machine.ts';
import { memoryPathIn, statePathIn, type Template, warmUpRootPathIn } from './template.ts';
import { warmUp } from './warm-up.ts';
import { WARM_UP_PROGRAM } from './warm-up-spec.ts';

/** After the last word, the guest gets so long to finish what it had put off: then every clone begins at rest. */
const REST_MS = 150;

/** A start that waits for its template boots when none comes: both together take little more than the configured time. */
const PATIENCE_PART = 3;

/** What a template's maker knows of it. */
export type MadeTemplate = Omit<Template, 'version' | 'fingerprint' | 'files' | 'madeAtMs'>;

/** Boots a guest whose memory is a file in `folder`, warms it up, and saves it there. Its VM is gone when this returns. */
export async function makeTemplate(
  config: Config,
  folder: string,
  log: (message: string) => void,
): Promise<MadeTemplate> {
  // Within the folder, so that it goes with it should this be killed.
  const workplace = `${folder}/work`;
  makeDirectory(workplace, 0o700);
  const machine = machineOptions(config, 'template');
  const memoryPath = memoryPathIn(folder);
  const qemu = new Qemu(config.hypervisor, machine, { log }, { kind: 'template', memoryPath });
  try {
    writeFile(memoryPath, '', 0o600);
    const image = makeWarmUpRoot(workplace, warmUpRootPathIn(folder));
    const patienceMs = config.agent.dialTimeoutMs / PATIENCE_PART;
    await qemu.start();
    const root = await image;
    const disk = await qemu.attachDisk({ id: 'warm-up', path: root.path, readOnly: true });
    const client = agentClient(await qemu.connectAgent(patienceMs));
    await client.health.check({ service: '' }, { timeoutMs: patienceMs });
    await warmUp(client, disk, root);
    client.close();
    await qemu.detachDisk('warm-up');
    await sleep(REST_MS);
    const { stateChecksum, vmmVersion } = await qemu.save(statePathIn(folder), `${workplace}/s`);
    const memoryBytes = stat(memoryPath).sizeBytes;
    return { memoryBytes, stateBytes: stat(statePathIn(folder)).sizeBytes, stateChecksum, vmmVersion };
  } catch (error) {
    throw KataError.wrap(error, 'make a template');
  } finally {
    await qemu.stop();
    removeTree(workplace);
  }
}

/** A root of one program that ends at once: this one, which is at hand and needs no library. Nothing of an image is run. */
async function makeWarmUpRoot(workplace: string, path: string): Promise<RootImage> {
  const [source, mountPoint] = [`${workplace}/root`, `${workplace}/mount`];
  makeDirectory(source);
  makeDirectory(mountPoint);
  writeFile(`${source}${WARM_UP_PROGRAM}`, readFile(readlink('/proc/self/exe')), 0o755);
  writeFile(path, '', 0o600);
  await makeErofsImage({ kind: 'bind', source }, path, mountPoint);
  return { path, fsType: 'erofs', release: () => {} };
}
