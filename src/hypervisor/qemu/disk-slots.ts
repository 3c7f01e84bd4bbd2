import { KataError } from '../../errors/kata-error.ts';

/** A place on the virtio-scsi controller. */
export interface DiskSlot {
  target: number;
  lun: number;
}

/** Logical units of one target; QEMU allows 16384, Linux asks for no more than 256 in one REPORT LUNS. */
const LUNS = 256;
/** Targets of a virtio-scsi controller. */
const TARGETS = 256;

/** Which SCSI addresses are taken. The lowest free one is given, so that the guest sees small numbers. */
export class DiskSlots {
  readonly #taken: boolean[] = [];
  readonly #capacity: number;

  constructor(capacity: number = LUNS * TARGETS) {
    this.#capacity = capacity;
  }

  /** `resource-exhausted` when all are taken. */
  allocate(): DiskSlot {
    const free = this.#taken.indexOf(false);
    const index = free < 0 ? this.#taken.length : free;
    if (index >= this.#capacity)
      throw new KataError('resource-exhausted', `at most ${this.#capacity} disks fit into a VM, all are taken`);
    this.#taken[index] = true;
    return { target: Math.floor(index / LUNS), lun: index % LUNS };
  }

  free({ target, lun }: DiskSlot): void {
    const index = target * LUNS + lun;
    if (this.#taken[index]) this.#taken[index] = false;
  }
}

/** As the agent API names a SCSI disk: `0:3`. */
export const formatSlot = ({ target, lun }: DiskSlot): string => `${target}:${lun}`;
