import type { Snapshot } from '../../hypervisor/hypervisor.ts';
import { checksumOf } from '../../hypervisor/qemu/device-state.ts';
import type { Fingerprint } from '../../hypervisor/qemu/fingerprint.ts';
import type { FileIdentity } from '../../os/file-identity.ts';
import { utf8Encode } from '../../os/utf8.ts';
import type { RootImage } from '../../rootfs/root-image.ts';

/**
 * A guest that was booted, warmed and saved, in a folder of its own: `memory`, `state`, `process.json` and `process`, and
 * this as `template.json`.
 */
export interface Template {
  /** The format; another one is not read. */
  version: 3;
  /** `Fingerprint.text` of the guest. */
  fingerprint: string;
  files: readonly FileIdentity[];
  memoryBytes: number;
  stateBytes: number;
  stateChecksum: number;
  vmmVersion: string;
  /** `SavedVmm.checksum`; null when the VMM's process was not saved. */
  processChecksum: number | null;
  /** `Snapshot.interfaceFeatures`. */
  interfaceFeatures: string;
  agentStreamId: number;
  madeAtMs: number;
}

export const memoryPathIn = (folder: string): string => `${folder}/memory`;
export const statePathIn = (folder: string): string => `${folder}/state`;
export const descriptionPathIn = (folder: string): string => `${folder}/template.json`;

export const imagePathIn = (folder: string): string => `${folder}/process.json`;
export const pagesPathIn = (folder: string): string => `${folder}/process`;

export function snapshotOf(folder: string, template: Template): Snapshot {
  const { stateChecksum, vmmVersion, processChecksum, interfaceFeatures, agentStreamId } = template;
  return {
    memoryPath: memoryPathIn(folder),
    statePath: statePathIn(folder),
    stateChecksum,
    vmmVersion,
    process:
      processChecksum === null
        ? null
        : { imagePath: imagePathIn(folder), pagesPath: pagesPathIn(folder), checksum: processChecksum },
    interfaceFeatures,
    agentStreamId,
  };
}

/** The root that a template was warmed up with, kept beside it: VMs that wait are warmed up by it too. */
export const warmUpRootPathIn = (folder: string): string => `${folder}/warm-up.erofs`;

export function warmUpRoot({ memoryPath }: Snapshot): RootImage {
  const folder = memoryPath.slice(0, memoryPath.lastIndexOf('/'));
  return { path: warmUpRootPathIn(folder), fsType: 'erofs', release: () => {} };
}

/** The name of a guest's template. Two guests of one name are told apart by their fingerprints. */
export function templateName({ text }: Fingerprint): string {
  const hex = (salt: string): string =>
    checksumOf(utf8Encode(`${salt}${text}`))
      .toString(16)
      .padStart(8, '0');
  return hex('') + hex('\n');
}
