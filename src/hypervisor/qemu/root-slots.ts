import { KataError } from '../../errors/kata-error.ts';
import type { Disk, GuestDisk } from '../hypervisor.ts';
import type { Qmp } from './qmp.ts';

/** How many disks a guest finds without looking for new ones. Each costs a VM's start 1 ms. */
export const ROOT_SLOTS = 4;
/** PCI slots from here on; those below are given out by QEMU. */
const FIRST_PCI_SLOT = 0x10;
/**
 * What an empty slot claims to hold. The guest keeps the size that it found first, and an image says itself how long it is:
 * so this is more than any image.
 */
const EMPTY_BYTES = 2 ** 50;

const device = (index: number): string => `root${index}`;
const emptyNode = (index: number): string => `empty${index}`;
/** As the agent API names a PCI device on the root bus: two hexadecimal digits. */
const pciPath = (index: number): string => (FIRST_PCI_SLOT + index).toString(16);

/** The arguments of QEMU for the slots: read-only virtio-blk disks of nothing. */
export function rootSlotDevices(): string[] {
  return Array.from({ length: ROOT_SLOTS }, (_, index) => [
    '-blockdev',
    `driver=null-co,node-name=${emptyNode(index)},size=${EMPTY_BYTES},read-zeroes=on,read-only=on`,
    '-device',
    `virtio-blk-pci,id=${device(index)},drive=${emptyNode(index)},num-queues=1,addr=${pciPath(index)}`,
  ]).flat();
}

/**
 * The read-only disks that every guest has from its first moment on, empty: an image is put behind one while the guest
 * runs, so that neither side plugs, scans or probes anything.
 */
export class RootSlots {
  readonly #qmp: Qmp;
  /** The disk in each slot. */
  readonly #disks: (string | null)[] = Array.from({ length: ROOT_SLOTS }, () => null);

  constructor(qmp: Qmp) {
    this.#qmp = qmp;
  }

  /** The slot of a disk; -1 when it is in none. */
  indexOf(id: string): number {
    return this.#disks.indexOf(id);
  }

  get hasFree(): boolean {
    return this.#disks.includes(null);
  }

  /** Puts a block node into a free slot. The node stays the caller's. */
  async insert({ id }: Disk, node: string): Promise<GuestDisk> {
    const index = this.#disks.indexOf(null);
    if (index < 0) throw new KataError('resource-exhausted', `all ${ROOT_SLOTS} slots for roots are taken`);
    this.#disks[index] = id;
    try {
      await this.#put(index, node);
    } catch (error) {
      this.#disks[index] = null;
      throw error;
    }
    return { driver: 'blk', source: pciPath(index) };
  }

  /** Empties the slot of a disk. */
  async eject(id: string): Promise<void> {
    const index = this.indexOf(id);
    if (index < 0) return;
    await this.#put(index, emptyNode(index));
    this.#disks[index] = null;
  }

  async #put(index: number, node: string): Promise<void> {
    await this.#qmp.execute('qom-set', {
      path: `/machine/peripheral/${device(index)}`,
      property: 'drive',
      value: node,
    });
  }
}
