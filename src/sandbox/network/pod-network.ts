import type { Config } from '../../config/config.ts';
import type { GuestInterface } from '../../hypervisor/hypervisor.ts';
import type { Qemu } from '../../hypervisor/qemu/qemu.ts';
import type { AgentClient } from '../agent-client.ts';
import type { SandboxLog } from '../sandbox-log.ts';
import type { Teardown } from '../teardown.ts';
import { SandboxNetwork } from './sandbox-network.ts';
import type { SavedNetwork } from './saved-network.ts';

export interface PodNetworkOptions {
  /** The network namespace that the spec names; undefined: none. */
  path: string | undefined;
  config: Config;
  log: SandboxLog;
  /** Where a device node may be made for a moment. */
  nodePath: string;
  /** Notes what is about to be changed; without an argument, what is by now. */
  save: (network?: SavedNetwork) => void;
  /** Of the sandbox: it takes the network away, once the VM is gone. */
  teardown: Teardown;
}

/**
 * Whether and when a sandbox gets a network: when its VM starts or, where the namespace was still empty then, as late as when a
 * container starts. In this order: `open`, `attachTo` the machine, `connect`, `closeTaps`, `configureGuest`.
 */
export class PodNetwork {
  readonly #options: PodNetworkOptions;
  /** Null as long as the namespace has no interface. */
  #network: SandboxNetwork | null = null;
  /** Where the pod's interfaces are in the guest. */
  #places: GuestInterface[] = [];
  /** A network that came late, on its way into the guest. */
  #late: Promise<void> | undefined;

  constructor(options: PodNetworkOptions) {
    this.#options = options;
  }

  /** For whoever has to take it away; undefined: nothing is changed. */
  get saved(): SavedNetwork | undefined {
    return this.#network?.saved;
  }

  /** Looks at the namespace, and makes what leads to each interface in it. */
  async open(): Promise<void> {
    const { path, config, log, save, nodePath, teardown } = this.#options;
    if (path === undefined || config.runtime.disableNewNetns) return;
    const network = await SandboxNetwork.open(path, config, log, { save, nodePath });
    if (network === null) return;
    this.#network = network;
    teardown.add('disconnect from the network', () => network.disconnect((message) => log.warning(message)));
  }

  /** Gives a machine the interfaces; one that is not started yet is told that there may be some. */
  async attachTo(machine: Qemu): Promise<void> {
    if (!machine.isRunning && this.#options.path !== undefined) machine.expectInterfaces();
    this.#places = [];
    for (const tap of this.#network?.taps ?? []) this.#places.push(await machine.attachInterface(tap));
  }

  /** Lets packets through. */
  async connect(): Promise<void> {
    await this.#network?.connect();
  }

  /** Once the VM has the taps, so that they go with it. */
  closeTaps(): void {
    this.#network?.closeTaps();
  }

  /** Tells the guest its addresses, routes and neighbours. */
  async configureGuest(client: AgentClient): Promise<void> {
    await this.#network?.configureGuest(client, this.#places);
  }

  /**
   * Looks again at a namespace that was empty: Docker and nerdctl fill it after Create, before they start the container, which is the
   * last moment.
   */
  lookAgain(machine: Qemu, client: AgentClient): Promise<void> {
    if (this.#network !== null || this.#options.path === undefined) return Promise.resolve();
    this.#late ??= this.#add(machine, client).finally(() => {
      this.#late = undefined;
    });
    return this.#late;
  }

  async #add(machine: Qemu, client: AgentClient): Promise<void> {
    await this.open();
    if (this.#network === null) return;
    await this.attachTo(machine);
    this.#options.save();
    await this.connect();
    this.closeTaps();
    await this.configureGuest(client);
    this.#options.log.info('the network came after the container was created');
  }
}
