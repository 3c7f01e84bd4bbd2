import { KataError } from '../../errors/kata-error.ts';
import { blockDeviceBytes } from '../../os/block-device.ts';
import { isType, S, stat } from '../../os/stat.ts';
import { sleep } from '../../os/timer.ts';
import type { Disk, GuestDisk } from '../hypervisor.ts';
import { SCSI_BUS } from './command-line.ts';
import type { QemuConfig } from './config.ts';
import { type DiskSlot, DiskSlots, formatSlot } from './disk-slots.ts';
import type { Qmp } from './qmp.ts';
import type { BlockNode, DiskAio } from './qmp-commands.ts';
import { ROOT_SLOTS, VirtioSlots, VOLUME_SLOTS } from './virtio-slots.ts';

const UNPLUG_TIMEOUT_MS = 10_000;
const DELETE_ATTEMPTS = 20;
const DELETE_INTERVAL_MS = 25;

interface Plugged {
  node: string;
  /** Where it is: in one of the slots, or hot-plugged at an address, as a device. */
  place: VirtioSlots | { slot: DiskSlot; device: string };
}

type CacheConfig = Pick<
  QemuConfig,
  'blockDeviceAio' | 'blockDeviceCacheSet' | 'blockDeviceCacheDirect' | 'blockDeviceCacheNoflush'
>;

/** The block node for a disk (`blockdev-add` of qemu-qmp-ref(7)). */
export function blockNode(disk: Disk, node: string, isBlockDevice: boolean, config: CacheConfig): BlockNode {
  const cache = config.blockDeviceCacheSet
    ? { cache: { direct: config.blockDeviceCacheDirect, 'no-flush': config.blockDeviceCacheNoflush } }
    : {};
  return {
    driver: 'raw',
    'node-name': node,
    'read-only': disk.readOnly,
    ...cache,
    file: {
      driver: isBlockDevice ? 'host_device' : 'file',
      filename: disk.path,
      aio: config.blockDeviceAio,
      // An image that many VMs read is never written: QEMU's locks on it would only be in each other's way.
      ...(disk.readOnly ? { locking: 'off' as const } : {}),
      ...cache,
    },
  };
}

/**
 * The disks of a running VM: read-only ones in its root slots and a block device in its volume slot as long as there are free
 * ones, others hot-plugged as SCSI disks.
 */
export class Disks {
  readonly #qmp: Qmp;
  readonly #config: CacheConfig;
  readonly #log: (message: string) => void;
  readonly #roots: VirtioSlots;
  readonly #volumes: VirtioSlots;
  readonly #slots = new DiskSlots();
  readonly #plugged = new Map<string, Plugged>();
  #aio: DiskAio;
  #count = 0;
  #writable = false;

  constructor(qmp: Qmp, config: CacheConfig, log: (message: string) => void) {
    this.#qmp = qmp;
    this.#roots = new VirtioSlots(qmp, ROOT_SLOTS);
    this.#volumes = new VirtioSlots(qmp, VOLUME_SLOTS);
    this.#config = config;
    this.#aio = config.blockDeviceAio;
    this.#log = log;
  }

  /** Whether the guest may have written to a disk of the host. */
  get hasWritable(): boolean {
    return this.#writable;
  }

  /** Resolves when QEMU has the disk. `already-exists` for an id that is plugged in. */
  async attach(disk: Disk): Promise<GuestDisk> {
    if (this.#plugged.has(disk.id)) throw new KataError('already-exists', `the disk ${disk.id} is plugged in already`);
    const isBlockDevice = isType(stat(disk.path), S.IFBLK);
    const number = this.#count++;
    this.#writable ||= !disk.readOnly;
    // Names of our own: a node's may have no more than 31 bytes.
    const place = this.#slotFor(disk, isBlockDevice) ?? { slot: this.#slots.allocate(), device: `disk${number}` };
    const plugged: Plugged = { node: `node${number}`, place };
    this.#plugged.set(disk.id, plugged);
    try {
      await this.#addNode(disk, plugged.node, isBlockDevice);
      return await this.#addDevice(disk, plugged);
    } catch (error) {
      this.#plugged.delete(disk.id);
      if ('slot' in place) this.#slots.free(place.slot);
      throw KataError.wrap(error, `plug in ${disk.path}`);
    }
  }

  #slotFor({ readOnly }: Disk, isBlockDevice: boolean): VirtioSlots | null {
    if (readOnly) return this.#roots.hasFree ? this.#roots : null;
    return isBlockDevice && this.#volumes.hasFree ? this.#volumes : null;
  }

  async #addNode(disk: Disk, node: string, isBlockDevice: boolean): Promise<void> {
    const add = (aio: DiskAio): Promise<object> =>
      this.#qmp.execute('blockdev-add', blockNode(disk, node, isBlockDevice, { ...this.#config, blockDeviceAio: aio }));
    try {
      await add(this.#aio);
    } catch (error) {
      if (this.#aio === 'threads' || !/io_uring|aio/i.test(String(error))) throw error;
      this.#log(`disks use threads: ${KataError.from(error).message}`);
      this.#aio = 'threads';
      await add('threads');
    }
  }

  async #addDevice(disk: Disk, { node, place }: Plugged): Promise<GuestDisk> {
    try {
      if (place === this.#roots) return await place.insert(disk, node, null);
      if (place instanceof VirtioSlots) return await place.insert(disk, node, blockDeviceBytes(disk.path));
      const { slot, device } = place;
      await this.#qmp.execute('device_add', {
        driver: 'scsi-hd',
        id: device,
        bus: SCSI_BUS,
        channel: 0,
        'scsi-id': slot.target,
        lun: slot.lun,
        drive: node,
      });
      return { driver: 'scsi', source: formatSlot(slot) };
    } catch (error) {
      // The first failure is the one to tell of; if the node stays as well, it goes with the VM.
      await this.#qmp.execute('blockdev-del', { 'node-name': node }).catch(() => {});
      throw error;
    }
  }

  /** Resolves when QEMU has let go of the file. An id that is not plugged in is fine. */
  async detach(id: string): Promise<void> {
    const plugged = this.#plugged.get(id);
    if (plugged === undefined) return;
    const { node, place } = plugged;
    try {
      if (place instanceof VirtioSlots) await place.eject(id);
      else await this.#removeDevice(place.device);
      await this.#removeNode(node);
    } catch (error) {
      throw KataError.wrap(error, `unplug the disk ${id}`);
    }
    this.#plugged.delete(id);
    if ('slot' in place) this.#slots.free(place.slot);
  }

  async #removeDevice(device: string): Promise<void> {
    const deleted = this.#qmp.waitForEvent(
      `unplug ${device}`,
      ({ event, data }) => event === 'DEVICE_DELETED' && data.device === device,
      UNPLUG_TIMEOUT_MS,
    );
    const asked = this.#qmp.execute('device_del', { id: device }).catch((error: unknown) => {
      // Gone already: an earlier detach got as far as this.
      if (KataError.from(error).code !== 'not-found') throw error;
      return null;
    });
    // Whichever fails first is the outcome; the other must not be left without anybody to hear of it.
    deleted.catch(() => {});
    if ((await asked) !== null) await deleted;
  }

  async #removeNode(node: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#qmp.execute('blockdev-del', { 'node-name': node });
        return;
      } catch (error) {
        const { message } = KataError.from(error);
        if (/Failed to find node/i.test(message)) return;
        // A request that was under way holds the node a moment longer than the device.
        if (!/in use|busy/i.test(message) || attempt === DELETE_ATTEMPTS) throw error;
        await sleep(DELETE_INTERVAL_MS);
      }
    }
  }
}
