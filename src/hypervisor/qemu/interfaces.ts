import { KataError } from '../../errors/kata-error.ts';
import { replaceDescriptor } from '../../os/checkpoint/replace-descriptor.ts';
import { close, setNonBlocking } from '../../os/fd.ts';
import { setTapOffloads } from '../../os/netlink/tuntap.ts';
import type { GuestInterface, Tap } from '../hypervisor.ts';
import { guestInterface, INTERFACE_SLOTS, InterfaceSlots, slotOf } from './interface-slots.ts';
import { nothingToReceive } from './interface-taps.ts';
import { tapDescriptor } from './launch.ts';
import type { Qmp } from './qmp.ts';

/** A QEMU whose slots have descriptors of ours behind them. */
interface RunningQemu {
  pid: number;
  qmp: Qmp;
}

/**
 * The network interfaces of a VM. QEMU gets those that are known before it starts; another one is put behind a slot's
 * device while QEMU runs, in the place of the descriptor that QEMU has there.
 */
export class Interfaces {
  readonly taps: Tap[] = [];
  readonly #slots = new InterfaceSlots();
  #running: RunningQemu | 'without slots' | undefined;
  readonly #features: string;

  /** @param features `Snapshot.interfaceFeatures`: of the first slot's device, whose driver has long told QEMU what it takes */
  constructor(features: string) {
    this.#features = features;
  }

  /** From now on QEMU runs. `hasDescriptors`: behind slots without an interface are descriptors that can be replaced. */
  follow(qemu: RunningQemu, hasDescriptors: boolean): void {
    this.#running = hasDescriptors ? qemu : 'without slots';
  }

  async attach(tap: Tap): Promise<GuestInterface> {
    const running = this.#running;
    if (running === 'without slots')
      throw new KataError('failed-precondition', 'this VM was started without a place for one more network interface', {
        hint: 'have the network ready before the container is created, or use a VM from a template (enable_template)',
      });
    const slot = this.#slots.take();
    if (slot === 0 && this.#features !== '') setTapOffloads(tap.fd, this.#features);
    if (running === undefined) this.taps.push(tap);
    else await this.#put(running, slot, tap.fd);
    return guestInterface(slot);
  }

  /** Takes an interface away that the guest has let go of; one that is not there is fine. */
  detach(place: GuestInterface): void {
    const slot = slotOf(place);
    if (slot >= 0) this.#slots.free(slot);
  }

  /** Puts nothing behind the slots that are free. */
  async empty(): Promise<void> {
    const running = this.#running;
    if (running === undefined || running === 'without slots') return;
    const nothing = nothingToReceive();
    try {
      for (let slot = 0; slot < INTERFACE_SLOTS; slot++)
        if (!this.#slots.isTaken(slot)) await this.#put(running, slot, nothing);
    } finally {
      close(nothing);
    }
  }

  async #put({ pid, qmp }: RunningQemu, slot: number, fd: number): Promise<void> {
    const added = await qmp.executeWithFd('add-fd', {}, fd);
    try {
      // QEMU has made it one that waits, for us as well: it is one and the same.
      setNonBlocking(fd);
      replaceDescriptor(pid, added.fd, tapDescriptor(slot));
    } finally {
      // The answer also means that QEMU has looked at its descriptors anew.
      await qmp.execute('remove-fd', { 'fdset-id': added['fdset-id'] });
    }
  }
}
