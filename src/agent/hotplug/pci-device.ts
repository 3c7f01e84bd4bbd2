import { listDirectoryIfExists } from '../../os/directory.ts';
import { exists, readText, writeControl } from '../../os/file.ts';
import { DISK_SIZE_OPTION } from '../../protocols/disk-size-option.ts';
import { usableNode } from './block-node.ts';
import { deviceFolder, type PciPath, parsePciPath, rootBusFolder } from './pci-path.ts';
import { waitForDevice } from './wait-for-device.ts';

/** The folder of a PCI device in sysfs; null while it is not there. */
function findPciDevice(path: PciPath): string | null {
  let folder = `/sys/devices/${rootBusFolder(path)}`;
  let bus = `0000:${path.rootBus}`;
  for (const [index, slot] of path.slots.entries()) {
    if (index > 0) {
      // A bridge has one bus behind it.
      const [behind] = listDirectoryIfExists(`${folder}/pci_bus`);
      if (behind === undefined) return null;
      bus = behind;
    }
    folder = `${folder}/${deviceFolder(bus, slot)}`;
  }
  return exists(folder) ? folder : null;
}

/** The one entry that a virtio device behind a PCI device has in a class folder: `block` gives `vda`, `net` gives `eth0`. */
function virtioChild(folder: string, kind: 'block' | 'net'): string | null {
  for (const name of listDirectoryIfExists(folder)) {
    if (!/^virtio\d+$/.test(name)) continue;
    const [child] = listDirectoryIfExists(`${folder}/${name}/${kind}`);
    if (child !== undefined) return child;
  }
  return null;
}

/**
 * The node of the virtio-blk disk at a PCI path, once it is there. `options` may say its size (`DISK_SIZE_OPTION`): then once it
 * has that.
 */
export function waitForPciDisk(pciPath: string, timeoutMs: number, options: readonly string[] = []): Promise<string> {
  const path = parsePciPath(pciPath);
  const size = options.find((option) => option.startsWith(`${DISK_SIZE_OPTION}=`))?.slice(DISK_SIZE_OPTION.length + 1);
  const find = (): string | null => {
    const folder = findPciDevice(path);
    const name = folder && virtioChild(folder, 'block');
    if (name === null || (size !== undefined && sizeOf(name) !== BigInt(size))) return null;
    return usableNode(`/dev/${name}`);
  };
  return waitForDevice(find, `virtio-blk disk ${pciPath}${size === undefined ? '' : ` of ${size} bytes`}`, timeoutMs);
}

/** In sysfs a sector has 512 bytes, whatever the disk's own have. */
const sizeOf = (name: string): bigint => BigInt(readText(`/sys/class/block/${name}/size`).trim()) * 512n;

/** The name of the network interface at a PCI path, virtio's or another's, once it is there. */
export function waitForPciInterface(pciPath: string, timeoutMs: number): Promise<string> {
  const path = parsePciPath(pciPath);
  const find = (): string | null => {
    const folder = findPciDevice(path);
    return folder && (virtioChild(folder, 'net') ?? listDirectoryIfExists(`${folder}/net`)[0] ?? null);
  };
  return waitForDevice(find, `network interface ${pciPath}`, timeoutMs);
}

/** The sysfs folder of any PCI device, once it is there. The bus is scanned: firmware may not tell of a new device. */
export function waitForPciDevice(pciPath: string, timeoutMs: number): Promise<string> {
  const path = parsePciPath(pciPath);
  if (findPciDevice(path) === null) writeControl('/sys/bus/pci/rescan', '1');
  return waitForDevice(() => findPciDevice(path), `PCI device ${pciPath}`, timeoutMs);
}
