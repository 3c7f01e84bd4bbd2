import { listDirectoryIfExists } from '../../os/directory.ts';
import { exists, readTextIfExists, writeControl } from '../../os/file.ts';
import { loadKernelModule } from '../boot/modprobe.ts';

const BUS = '/sys/bus/virtio';
const DRIVER = `${BUS}/drivers/virtio_net`;

/** Loads the driver of virtio's network devices, which takes all that there are; a guest without a network has none to spare. */
export function needVirtioNet(): void {
  if (!exists(DRIVER)) loadKernelModule('virtio_net');
}

/**
 * Gives a network device its driver: a PCI device's folder in sysfs. Of the others, which have no network behind them,
 * the driver keeps off. One that is not virtio's, or has its driver, is left alone.
 */
export function bindVirtioNet(pciFolder: string): void {
  const device = virtioDevice(pciFolder);
  if (device === null) return;
  if (!exists(DRIVER)) {
    writeControl(`${BUS}/drivers_autoprobe`, '0');
    try {
      loadKernelModule('virtio_net');
    } finally {
      writeControl(`${BUS}/drivers_autoprobe`, '1');
    }
  }
  if (!exists(`${pciFolder}/${device}/driver`)) writeControl(`${DRIVER}/bind`, device);
}

/** The virtio device of a PCI device, `virtio7`. */
function virtioDevice(pciFolder: string): string | null {
  return listDirectoryIfExists(pciFolder).find((name) => /^virtio\d+$/.test(name)) ?? null;
}

/** The features that the driver has accepted, a digit each from number 0 on (`/sys/bus/virtio/devices/…/features`); empty without a driver. */
export function negotiatedFeatures(pciFolder: string): string {
  const device = virtioDevice(pciFolder);
  return device === null ? '' : (readTextIfExists(`${pciFolder}/${device}/features`) ?? '').trim();
}
