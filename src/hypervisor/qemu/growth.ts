import { KataError } from '../../errors/kata-error.ts';
import type { MachineOptions, MachineSize } from '../hypervisor.ts';
import type { Accelerator } from './judge-kvm.ts';
import type { Qmp } from './qmp.ts';
import { mostVcpus, plugsVcpus } from './vcpus.ts';

/** The guest's kernel takes a module of memory apart into such blocks, and takes none that is no multiple of them. */
const BLOCK_MIB = 128;
/** Of a guest that began with 64 GiB or more. */
const LARGE_BLOCK_MIB = 2048;
const LARGE_MIB = 64 * 1024;
/** The guest's kernel tells when it has found a device; under emulation on a busy host that takes a while. */
const FOUND_TIMEOUT_MS = 20_000;
/** The status of an ACPI _OST for success (ACPI 6.5, table 6.22). */
const SUCCESS = 0;

/** A running VM that becomes larger: vCPUs and modules of memory are plugged in. What was plugged in stays. */
export class Growth {
  readonly #qmp: Qmp;
  readonly #machine: MachineOptions;
  readonly #blockMib: number;
  readonly #plugsVcpus: boolean;
  readonly #mostVcpus: number;
  #vcpus: number;
  #memoryMib: number;
  #modules = 0;

  constructor(qmp: Qmp, machine: MachineOptions, accelerator: Accelerator['name']) {
    this.#qmp = qmp;
    this.#machine = machine;
    this.#plugsVcpus = plugsVcpus(accelerator);
    this.#mostVcpus = mostVcpus(machine, accelerator);
    this.#vcpus = machine.vcpus;
    this.#memoryMib = machine.memoryMib;
    this.#blockMib = machine.memoryMib >= LARGE_MIB ? LARGE_BLOCK_MIB : BLOCK_MIB;
  }

  /** See `Hypervisor.grow`. */
  async to({ vcpus, memoryMib }: MachineSize): Promise<MachineSize> {
    // The kernel's notes on the new memory take some of what it has: first the memory, should both be asked for.
    await this.#plugMemory(memoryMib);
    await this.#plugVcpus(vcpus);
    return { vcpus: this.#vcpus, memoryMib: this.#memoryMib };
  }

  async #plugMemory(wantedMib: number): Promise<void> {
    const { maxMemoryMib, memorySlots } = this.#machine;
    const blocks = (mib: number): number => Math.max(0, Math.floor(mib / this.#blockMib));
    const wanted = blocks(wantedMib - this.#memoryMib + this.#blockMib - 1);
    const room = this.#modules < memorySlots ? blocks(maxMemoryMib - this.#memoryMib) : 0;
    const mib = Math.min(wanted, room) * this.#blockMib;
    if (mib === 0) return;
    const id = `dimm${this.#modules}`;
    const backend = `${id}-memory`;
    await this.#qmp.execute('object-add', {
      'qom-type': 'memory-backend-memfd',
      id: backend,
      size: mib * 2 ** 20,
      share: true,
    });
    try {
      await this.#plug({ driver: 'pc-dimm', id, memdev: backend }, 'DIMM');
    } catch (error) {
      // In use when the module is there and the guest alone did not take it: then both stay.
      await this.#qmp.execute('object-del', { id: backend }).catch(() => this.#modules++);
      throw error;
    }
    this.#modules++;
    this.#memoryMib += mib;
  }

  async #plugVcpus(wanted: number): Promise<void> {
    const missing = Math.min(wanted, this.#mostVcpus) - this.#vcpus;
    if (missing <= 0) return;
    if (!this.#plugsVcpus) {
      this.#vcpus += missing;
      return;
    }
    const places = await this.#qmp.execute('query-hotpluggable-cpus', undefined);
    // The first places first: QEMU lists them from behind.
    const free = places.filter((place) => place['qom-path'] === undefined).reverse();
    const chosen = free.slice(0, missing);
    await Promise.all(
      chosen.map(async ({ type, props }) => {
        await this.#plug({ driver: type, id: `cpu${props['socket-id']}`, ...props }, 'CPU');
        this.#vcpus++;
      }),
    );
  }

  /** Plugs a device in, and waits until the guest's kernel has found it. */
  async #plug(
    device: { driver: string; id: string; [property: string]: string | number },
    kind: string,
  ): Promise<void> {
    const { id } = device;
    const found = this.#qmp.waitForEvent(
      `be told that the guest has found ${id}`,
      ({ event, data }) =>
        event === 'ACPI_DEVICE_OST' && (data.info as { device?: unknown } | undefined)?.device === id,
      FOUND_TIMEOUT_MS,
    );
    // Whichever fails first is the outcome; the other must not be left without anybody to hear of it.
    found.catch(() => {});
    await this.#qmp.execute('device_add', device);
    const { data } = await found;
    const { status } = data.info as { status?: unknown };
    if (status !== SUCCESS)
      throw new KataError(
        'failed-precondition',
        `the guest is expected to take ${kind} ${id}, it refused: status ${status}`,
      );
  }
}
