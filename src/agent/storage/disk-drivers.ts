import { KataError } from '../../errors/kata-error.ts';
import type { Storage } from '../../protocols/gen/agent.ts';
import { needKernelModule } from '../boot/modprobe.ts';
import { waitForNamedDevice } from '../hotplug/named-device.ts';
import { waitForPciDisk } from '../hotplug/pci-device.ts';
import { waitForScsiDisk } from '../hotplug/scsi-disk.ts';
import { mountStorage } from './mount-storage.ts';
import type { StorageContext, StorageDriver } from './storage-driver.ts';

/** Device-mapper and file-system work that upstream's agent leaves to programs this guest has not. */
const REFUSED: Readonly<Record<string, string>> = {
  create_filesystem: 'mkfs.ext4, which is not in this guest',
  encryption_key: 'a confidential data hub, which is not in this guest',
};

function refuseDriverOptions({ driverOptions }: Storage): void {
  for (const option of driverOptions) {
    const name = option.split('=')[0]!;
    if (Object.hasOwn(REFUSED, name))
      throw new KataError('unimplemented', `driver option ${name} needs ${REFUSED[name]}`, {
        hint: 'give the volume a file system on the host',
      });
  }
}

/** A driver for file systems on block devices: how the address in `Storage.source` becomes a node. */
function diskDriver(
  name: string,
  find: (source: string, timeoutMs: number, driverOptions: readonly string[]) => Promise<string>,
  extraOptions: readonly string[] = [],
  module?: string,
): StorageDriver {
  return {
    name,
    async attach(storage: Storage, context: StorageContext) {
      refuseDriverOptions(storage);
      await context.modulesReady;
      if (module !== undefined) needKernelModule(module);
      const source = await find(storage.source, context.hotplugTimeoutMs, storage.driverOptions);
      return mountStorage(storage, { source, options: [...storage.options, ...extraOptions] });
    },
  };
}

/** A SCSI disk, `<target>:<lun>`: how containers' roots come. */
export const scsi = diskDriver('scsi', waitForScsiDisk);

/** A virtio-blk disk, by its PCI path; a node is taken as it is. */
export const blk = diskDriver(
  'blk',
  (source, timeoutMs, driverOptions) =>
    source.startsWith('/dev/')
      ? waitForNamedDevice(source, timeoutMs)
      : waitForPciDisk(source, timeoutMs, driverOptions),
  [],
  'virtio_blk',
);

/** A virtio-mmio disk, by its node: Firecracker's. */
export const mmioblk = diskDriver('mmioblk', waitForNamedDevice, [], 'virtio_blk');

/** Persistent memory, by its node, mounted without a page cache of its own. */
export const nvdimm = diskDriver('nvdimm', waitForNamedDevice, ['dax'], 'nd_pmem');
