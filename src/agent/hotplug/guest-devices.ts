import { KataError } from '../../errors/kata-error.ts';
import { stat } from '../../os/stat.ts';
import type { Device } from '../../protocols/gen/agent.ts';
import type { LinuxDevice, Spec } from '../../protocols/gen/oci.ts';
import { waitForNamedDevice } from './named-device.ts';
import { waitForPciDevice, waitForPciDisk } from './pci-device.ts';
import { waitForScsiDisk } from './scsi-disk.ts';

const S_IFMT = 0o170000;
const S_IFBLK = 0o060000;
const S_IFCHR = 0o020000;

type Finder = (device: Device, timeoutMs: number) => Promise<string>;

/** How each type of device is found; the result is its node in the guest. */
const FINDERS: Readonly<Record<string, Finder>> = {
  scsi: ({ id }, timeoutMs) => waitForScsiDisk(id, timeoutMs),
  blk: ({ id, options }, timeoutMs) => waitForPciDisk(id, timeoutMs, options),
  mmioblk: ({ vmPath }, timeoutMs) => waitForNamedDevice(vmPath, timeoutMs),
  nvdimm: ({ vmPath }, timeoutMs) => waitForNamedDevice(vmPath, timeoutMs),
};

/** The types of device that are served, for `GetGuestDetails`. */
export const DEVICE_TYPES: readonly string[] = [...Object.keys(FINDERS), 'vfio-pci-gk'];

/**
 * Waits for the devices that a container is given, and puts into its spec the numbers that they have in this guest:
 * what stands there are the host's.
 */
export async function addGuestDevices(spec: Spec, devices: readonly Device[], timeoutMs: number): Promise<void> {
  for (const device of devices) {
    if (device.type === 'vfio-pci-gk') {
      await waitForGuestKernelDevices(device, timeoutMs);
      continue;
    }
    const find = Object.hasOwn(FINDERS, device.type) ? FINDERS[device.type] : undefined;
    if (find === undefined)
      throw new KataError(
        'unimplemented',
        `a device of type ${DEVICE_TYPES.join(', ')} is expected, found ${device.type}`,
      );
    updateSpec(spec, device, await find(device, timeoutMs));
  }
}

/** Devices that the guest's own drivers take: their options say `<host address>=<PCI path in the guest>`. */
async function waitForGuestKernelDevices({ options }: Device, timeoutMs: number): Promise<void> {
  for (const option of options) {
    const path = option.split('=')[1];
    if (path === undefined)
      throw new KataError('invalid-argument', `an option <host address>=<PCI path> is expected, found ${option}`);
    await waitForPciDevice(path, timeoutMs);
  }
}

function updateSpec(spec: Spec, { containerPath }: Device, node: string): void {
  const { mode, rdevMajor, rdevMinor } = stat(node);
  const type = (mode & S_IFMT) === S_IFBLK ? 'b' : (mode & S_IFMT) === S_IFCHR ? 'c' : '';
  if (type === '') throw new KataError('failed-precondition', `${node} is expected to be a device`);
  const listed = spec.linux?.devices.filter(({ path }) => path === containerPath) ?? [];
  if (listed.length === 0)
    throw new KataError('invalid-argument', `the spec is expected to list the device ${containerPath}`, {
      hint: 'the runtime must keep it in linux.devices',
    });
  const major = BigInt(rdevMajor);
  const minor = BigInt(rdevMinor);
  for (const device of listed) {
    updateRules(spec, device, { major, minor });
    Object.assign(device, { type, major, minor });
  }
}

/** The rule that lets the container use the device has the host's numbers as well. */
function updateRules(spec: Spec, host: LinuxDevice, guest: { major: bigint; minor: bigint }): void {
  for (const rule of spec.linux?.resources?.devices ?? []) {
    if (rule.allow && rule.major === host.major && rule.minor === host.minor) Object.assign(rule, guest);
  }
}
