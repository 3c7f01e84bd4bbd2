import { listDirectoryIfExists } from '../../os/directory.ts';
import { writeControl } from '../../os/file.ts';
import { needKernelModule } from '../boot/modprobe.ts';
import { log } from '../log/log.ts';
import { usableNode } from './block-node.ts';
import { parseScsiAddress, type ScsiAddress } from './scsi-address.ts';
import { waitForDevice } from './wait-for-device.ts';

const HOSTS = '/sys/class/scsi_host';
const DEVICES = '/sys/class/scsi_device';

/** The node of the disk at an address; null while it is not there. */
function findDisk({ target, lun }: ScsiAddress): string | null {
  const end = `:0:${target}:${lun}`;
  for (const device of listDirectoryIfExists(DEVICES)) {
    if (!device.endsWith(end)) continue;
    const [name] = listDirectoryIfExists(`${DEVICES}/${device}/device/block`);
    if (name !== undefined) return usableNode(`/dev/${name}`);
  }
  return null;
}

/** Has every SCSI host look at an address: one that doesn't announce new disks, or was told not to scan. */
function scan({ target, lun }: ScsiAddress): void {
  for (const host of listDirectoryIfExists(HOSTS)) {
    try {
      writeControl(`${HOSTS}/${host}/scan`, `0 ${target} ${lun}`);
    } catch (error) {
      log.warn('a SCSI host cannot be scanned', { host, error });
    }
  }
}

/** Most guests have no SCSI disk. The host bus is not scanned when it comes: for all 256 targets that takes 90 ms. */
function loadDrivers(): void {
  needKernelModule('scsi_mod', ['scan=manual']);
  needKernelModule('virtio_scsi');
  needKernelModule('sd_mod');
}

/** The node of the SCSI disk at `<target>:<lun>`, once it is there. */
export function waitForScsiDisk(address: string, timeoutMs: number): Promise<string> {
  const place = parseScsiAddress(address);
  loadDrivers();
  if (findDisk(place) === null) scan(place);
  return waitForDevice(() => findDisk(place), `SCSI disk ${address}`, timeoutMs);
}
