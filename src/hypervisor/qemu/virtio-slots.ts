import { KataError } from '../../errors/kata-error.ts';
import type { Disk, GuestDisk } from '../hypervisor.ts';
import type { Qmp } from './qmp.ts';

/** Disks of one kind that a guest finds without looking for new ones. Each costs a VM's start 1 ms. */
interface SlotKind {
  name: 'root' | 'volume';
  count: number;
  readOnly: boolean;
  /** PCI slots from here on; those below are given out by QEMU. */
  firstPciSlot: number;
  /**
   * What an empty one claims to hold. The guest keeps the size that it found first until it is told another one; an image says
   * itself how long it is, so this is more than any image.
   */
  emptyBytes: number;
}

/** For images of roots. */
export const ROOT_SLOTS: SlotKind = {
  name: 'root',
  count: 4,
  readOnly: true,
  firstPciSlot: 0x10,
  emptyBytes: 2 ** 50,
};
/** For a disk of the host; the guest is told its size. */
export const VOLUME_SLOTS: SlotKind = {
  name: 'volume',
  count: 1,
  readOnly: false,
  firstPciSlot: 0x18,
  emptyBytes: 2 ** 20,
};

const device = ({ name }: SlotKind, index: number): string => `${name}${index}`;
const emptyNode = ({ name }: SlotKind, index: number): string => `empty-${name}${index}`;
/** As the agent API names a PCI device on the root bus: two hexadecimal digits. */
const pciPath = ({ firstPciSlot }: SlotKind, index: number): string => (firstPciSlot + index).toString(16);

/** The arguments of QEMU for the slots of a kind: virtio-blk disks of nothing. */
export function slotDevices(kind: SlotKind): string[] {
  return Array.from({ length: kind.count }, (_, index) => [
    '-blockdev',
    `driver=null-co,node-name=${emptyNode(kind, index)},size=${kind.emptyBytes},read-zeroes=on${kind.readOnly ? ',read-only=on' : ''}`,
    '-device',
    `virtio-blk-pci,id=${device(kind, index)},drive=${emptyNode(kind, index)},num-queues=1,addr=${pciPath(kind, index)}`,
  ]).flat();
}

/**
 * The disks that every guest has from its first moment on, empty: a file or device of the host is put behind one while the
 * guest runs, so that neither side plugs, scans or probes anything.
 */
export class VirtioSlots {
  readonly #qmp: Qmp;
  readonly #kind: SlotKind;
  /** The disk in each slot. */
  readonly #disks: (string | null)[];

  constructor(qmp: Qmp, kind: SlotKind) {
    this.#qmp = qmp;
    this.#kind = kind;
    this.#disks = Array.from({ length: kind.count }, () => null);
  }

  /** Whether a disk is in one. */
  has(id: string): boolean {
    return this.#disks.includes(id);
  }

  get hasFree(): boolean {
    return this.#disks.includes(null);
  }

  /** Puts a block node into a free slot; `sizeBytes`: of which the guest is told. The node stays the caller's. */
  async insert({ id }: Disk, node: string, sizeBytes: number | null): Promise<GuestDisk> {
    const index = this.#disks.indexOf(null);
    if (index < 0) throw new KataError('resource-exhausted', `all slots for a ${this.#kind.name} are taken`);
    this.#disks[index] = id;
    try {
      await this.#put(index, node);
      // To the size that it has: only a change of size makes QEMU tell the guest.
      if (sizeBytes !== null) await this.#qmp.execute('block_resize', { 'node-name': node, size: sizeBytes });
    } catch (error) {
      await this.eject(id);
      throw error;
    }
    const place = { driver: 'blk', source: pciPath(this.#kind, index) } as const;
    return sizeBytes === null ? place : { ...place, sizeBytes };
  }

  /** Empties the slot of a disk. */
  async eject(id: string): Promise<void> {
    const index = this.#disks.indexOf(id);
    if (index < 0) return;
    await this.#put(index, emptyNode(this.#kind, index));
    this.#disks[index] = null;
  }

  async #put(index: number, node: string): Promise<void> {
    await this.#qmp.execute('qom-set', {
      path: `/machine/peripheral/${device(this.#kind, index)}`,
      property: 'drive',
      value: node,
    });
  }
}
