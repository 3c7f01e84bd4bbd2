import { KataError } from '../../errors/kata-error.ts';
import { makeDirectories } from '../../os/directory.ts';
import type { Storage } from '../../protocols/gen/agent.ts';
import { removeOwnTree } from '../files/remove-own-tree.ts';
import { waitForNamedDevice } from '../hotplug/named-device.ts';
import { waitForPciDisk } from '../hotplug/pci-device.ts';
import { waitForScsiDisk } from '../hotplug/scsi-disk.ts';
import { planLayers } from './layer-group.ts';
import { mountStorage } from './mount-storage.ts';
import type { AttachedStorage, StorageContext } from './storage-driver.ts';

/** The node of the disk that a layer is on; its address says of which kind it is. */
function waitForDisk({ source, driver }: Storage, timeoutMs: number): Promise<string> {
  if (source.startsWith('/dev/')) return waitForNamedDevice(source, timeoutMs);
  return driver === 'scsi' || source.includes(':')
    ? waitForScsiDisk(source, timeoutMs)
    : waitForPciDisk(source, timeoutMs);
}

/** The node of a partition; of a disk whose name ends with a digit it has a `p` between. */
function waitForPartition(disk: string, partition: number | undefined, timeoutMs: number): Promise<string> {
  if (partition === undefined) return Promise.resolve(disk);
  return waitForNamedDevice(`${disk}${/\d$/.test(disk) ? 'p' : ''}${partition}`, timeoutMs);
}

/**
 * Mounts disks that make one root together: each by itself beside the root's mount point, then all of them as one
 * overlay. Taking it away goes the other way round.
 */
export async function attachLayers(storages: readonly Storage[], context: StorageContext): Promise<AttachedStorage> {
  await context.modulesReady;
  const { target, upper, lowers, folders } = planLayers(storages);
  const base = `${target}.layers`;
  const attached: AttachedStorage[] = [];
  const detach = (): KataError[] => [
    ...attached
      .splice(0)
      .reverse()
      .flatMap((layer) => layer.detach()),
    ...removeOwnTree(base),
  ];
  const attach = async (storage: Storage, mountPoint: string, partition?: number): Promise<string> => {
    const disk = await waitForDisk(storage, context.hotplugTimeoutMs);
    const source = await waitForPartition(disk, partition, context.hotplugTimeoutMs);
    attached.push(mountStorage({ ...storage, mountPoint }, { source }));
    return mountPoint;
  };
  try {
    const writable = `${base}/upper`;
    makeDirectories(writable);
    if (upper !== undefined) await attach(upper, writable);
    const lowerFolders: string[] = [];
    for (const [i, { storage, partition }] of lowers.entries())
      lowerFolders.push(await attach(storage, `${base}/lower-${i}`, partition));
    for (const folder of folders) makeDirectories(resolveFolder(folder, writable, lowerFolders[0]!));
    for (const name of ['upper', 'work']) makeDirectories(`${writable}/${name}`);
    const options = [`lowerdir=${lowerFolders.join(':')}`, `upperdir=${writable}/upper`, `workdir=${writable}/work`];
    const overlay = { ...lowers[0]!.storage, source: 'overlay', fstype: 'overlay', options, mountPoint: target };
    attached.push(mountStorage(overlay));
    return { detach };
  } catch (error) {
    detach();
    throw error;
  }
}

function resolveFolder(folder: string, writable: string, lower: string): string {
  const path = folder.replace('{{ mount 0 }}', writable).replace('{{ mount 1 }}', lower);
  if (path.startsWith(`${writable}/`) && !path.split('/').includes('..')) return path;
  throw new KataError('invalid-argument', `a folder in the writable layer is expected, found ${folder}`);
}
