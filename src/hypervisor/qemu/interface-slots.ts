import { KataError } from '../../errors/kata-error.ts';
import type { GuestInterface } from '../hypervisor.ts';

/** How many network interfaces a guest can have, each a device that is there from the guest's first moment on. */
export const INTERFACE_SLOTS = 4;
/** PCI slots from here on. */
const FIRST_PCI_SLOT = 0x14;

/** What is behind a slot's device when QEMU starts. */
export interface InterfaceBackend {
  /** By its number in QEMU: a tap, or a socket that nothing comes from, for as long as this QEMU runs. */
  fd: number;
  kind: 'tap' | 'nothing';
  /** `/dev/vhost-net`, by its number in QEMU; null: QEMU carries the packets itself. */
  vhostFd: number | null;
  /** Of a guest that boots: its address. Others have the saved one until the agent sets theirs. */
  macAddress?: string;
}

/** Behind every slot nothing. */
export const NO_INTERFACES: readonly InterfaceBackend[] = Array.from({ length: INTERFACE_SLOTS }, () => ({
  fd: 0,
  kind: 'nothing',
  vhostFd: null,
}));

/** As the agent API names a PCI device on the root bus: two hexadecimal digits. */
const pciPath = (index: number): string => (FIRST_PCI_SLOT + index).toString(16);
/** Until the agent has set another one. Locally administered; nobody sees it. */
const slotMac = (index: number): string => `02:00:00:6b:74:0${index}`;

/** The arguments of QEMU for the slots: virtio-net devices, whose driver the guest loads when it needs one. */
export function interfaceSlotDevices(backends: readonly InterfaceBackend[]): string[] {
  return backends.flatMap((backend, index) => [
    ...['-netdev', netdev(backend, index)],
    ...[
      '-device',
      // No firmware for booting from it. And nothing that is told to the driver to be announced: Linux 6.12 does so in a work that
      // waits for the lock of all interfaces, and waits for that work with the lock held when the interface goes down.
      `virtio-net-pci,guest_announce=off,id=net${index},netdev=link${index},mac=${backend.macAddress ?? slotMac(index)},addr=${pciPath(index)},romfile=`,
    ],
  ]);
}

function netdev({ fd, kind, vhostFd }: InterfaceBackend, index: number): string {
  // A hub keeps qboot from starting the kernel; no peer at all makes QEMU warn.
  if (kind === 'nothing') return `socket,id=link${index},fd=${fd}`;
  return `tap,id=link${index},fd=${fd},${vhostFd === null ? 'vhost=off' : `vhost=on,vhostfd=${vhostFd}`}`;
}

/** Where the interface in a slot is, for the agent. */
export const guestInterface = (index: number): GuestInterface => ({ devicePath: pciPath(index) });

/** The slot of an interface; -1 when it is in none. */
export const slotOf = ({ devicePath }: GuestInterface): number =>
  Array.from({ length: INTERFACE_SLOTS }, (_, index) => pciPath(index)).indexOf(devicePath);

/** Which slots are taken. */
export class InterfaceSlots {
  readonly #taken: boolean[] = Array.from({ length: INTERFACE_SLOTS }, () => false);

  isTaken(slot: number): boolean {
    return this.#taken[slot]!;
  }

  free(slot: number): void {
    this.#taken[slot] = false;
  }

  /** The next free one. */
  take(): number {
    const index = this.#taken.indexOf(false);
    if (index < 0)
      throw new KataError('resource-exhausted', `at most ${INTERFACE_SLOTS} network interfaces are expected`, {
        hint: 'give the pod fewer networks',
      });
    this.#taken[index] = true;
    return index;
  }
}
