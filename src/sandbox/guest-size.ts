import type { Hypervisor, MachineSize } from '../hypervisor/hypervisor.ts';
import type { OciResources } from '../oci/spec.ts';
import type { AgentClient } from './agent-client.ts';
import { wantedSize } from './wanted-size.ts';

export interface GuestSizeOptions {
  /** What the VM begins with. */
  base: MachineSize;
  /** A size that it gets once and for all; null: it follows its containers. */
  fixed: MachineSize | null;
  warn: (message: string) => void;
}

/**
 * The size of a sandbox's VM. It grows with what its containers may use and does not shrink: the guest's cgroups hold a
 * container to less.
 */
export class GuestSize {
  readonly #options: GuestSizeOptions;
  readonly #containers = new Map<string, OciResources>();
  #size: MachineSize;
  #asked: MachineSize;
  /** One change after the other: each plugs in what the one before has left to do. */
  #changing: Promise<unknown> = Promise.resolve();

  constructor(options: GuestSizeOptions) {
    this.#options = options;
    this.#size = options.base;
    this.#asked = options.base;
  }

  get memoryMib(): number {
    return this.#size.memoryMib;
  }

  /** Makes room for a container; also for one whose limits change, of which `resources` says what is new. Whether the VM grew. */
  fit(id: string, resources: OciResources, machine: Hypervisor, client: AgentClient): Promise<boolean> {
    const before = this.#containers.get(id);
    this.#containers.set(id, {
      ...before,
      ...resources,
      cpu: { ...before?.cpu, ...resources.cpu },
      memory: { ...before?.memory, ...resources.memory },
    });
    const changing = this.#changing.then(() => this.#grow(machine, client));
    this.#changing = changing.catch(() => {});
    return changing;
  }

  /** Of a container that is gone. The VM stays as it is, for the next one. */
  forget(id: string): void {
    this.#containers.delete(id);
  }

  async #grow(machine: Hypervisor, { agent }: AgentClient): Promise<boolean> {
    const { base, fixed, warn } = this.#options;
    const wanted = fixed ?? wantedSize(base, this.#containers.values());
    const had = this.#size;
    const isEnough = wanted.vcpus <= this.#asked.vcpus && wanted.memoryMib <= this.#asked.memoryMib;
    if (isEnough) return false;
    const size = await machine.grow(wanted);
    if (size.vcpus < wanted.vcpus || size.memoryMib < wanted.memoryMib)
      warn(
        `the VM has ${describe(size)} where its containers may use ${describe(wanted)}: more is not in it by default_maxvcpus, default_maxmemory and memory_slots`,
      );
    this.#size = size;
    this.#asked = {
      vcpus: Math.max(wanted.vcpus, this.#asked.vcpus),
      memoryMib: Math.max(wanted.memoryMib, this.#asked.memoryMib),
    };
    const nbCpus = size.vcpus - had.vcpus;
    const cpuOnly = size.memoryMib === had.memoryMib;
    if (nbCpus === 0 && cpuOnly) return false;
    await agent.onlineCPUMem({ wait: true, nbCpus, cpuOnly });
    return true;
  }
}

const describe = ({ vcpus, memoryMib }: MachineSize): string => `${vcpus} vCPUs and ${memoryMib} MiB`;
