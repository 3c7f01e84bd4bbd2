import type { Config } from '../../config/config.ts';
import type { GuestInterface, Tap } from '../../hypervisor/hypervisor.ts';
import { close } from '../../os/fd.ts';
import { namespaceIdentity } from '../../os/namespace.ts';
import type { Rtnetlink } from '../../os/netlink/rtnetlink.ts';
import type { AgentClient } from '../agent-client.ts';
import type { SandboxLog } from '../sandbox-log.ts';
import { connectRequests, type Rates } from './connection.ts';
import { type Endpoint, openEndpoints } from './open-endpoints.ts';
import { disconnect, type SavedNetwork } from './saved-network.ts';
import { type FoundNetwork, openNetwork, scanNetwork } from './scan.ts';
import { setUpGuestNetwork } from './set-up-guest-network.ts';
import { interfaceToAgent, neighboursToAgent, routesToAgent } from './to-agent.ts';

/**
 * The network of a pod, on its way into the guest: `open` makes a tap for each interface, `connect` connects them,
 * `configureGuest` tells the agent, `disconnect` takes all away. Taps live for as long as somebody has them open: here, until
 * `closeTaps`, and in the VMM.
 */
export class SandboxNetwork {
  readonly #path: string;
  readonly #net: Rtnetlink;
  readonly #found: FoundNetwork;
  readonly #endpoints: Endpoint[];
  readonly #rates: Rates;
  readonly #identity: string;

  private constructor(path: string, net: Rtnetlink, found: FoundNetwork, endpoints: Endpoint[], rates: Rates) {
    this.#path = path;
    this.#net = net;
    this.#found = found;
    this.#endpoints = endpoints;
    this.#rates = rates;
    this.#identity = namespaceIdentity(path);
  }

  /**
   * Opens what is in the namespace at `path`; null when it has no interface to connect. On failure nothing is left. What is to be
   * changed is told to `save` before it is; `nodePath` is where a node may be made for a moment.
   */
  static async open(
    path: string,
    { hypervisor, runtime }: Config,
    log: SandboxLog,
    keeper: { save: (network: SavedNetwork) => void; nodePath: string },
  ): Promise<SandboxNetwork | null> {
    const net = openNetwork(path);
    try {
      const found = await scanNetwork(net);
      if (found.interfaces.length === 0) {
        net.close();
        return null;
      }
      const rates = { receive: hypervisor.receiveBitsPerSecond, send: hypervisor.sendBitsPerSecond };
      const endpoints = await openEndpoints(found, {
        path,
        net,
        model: runtime.internetworkingModel,
        rates,
        log,
        save: (connections) => keeper.save({ path, identity: namespaceIdentity(path), connections: [...connections] }),
        nodePath: keeper.nodePath,
      });
      log.debug(`interfaces for the guest: ${found.interfaces.map(({ link }) => link.name).join(', ')}`);
      return new SandboxNetwork(path, net, found, endpoints, rates);
    } catch (error) {
      net.close();
      throw error;
    }
  }

  /** For the VMM, in the order of the interfaces. */
  get taps(): Tap[] {
    return this.#endpoints.map(({ fd, found }) => ({ fd, macAddress: found.link.macAddress }));
  }

  /** What was changed, for whoever takes it away. */
  get saved(): SavedNetwork {
    const connections = this.#endpoints.map(({ connection }) => connection);
    return { path: this.#path, identity: this.#identity, connections };
  }

  /** Lets packets through. */
  async connect(): Promise<void> {
    await this.#net.apply(
      ...this.#endpoints.flatMap(({ connection, found }) => connectRequests(connection, found.link.mtu, this.#rates)),
    );
  }

  /** Gives the guest's interfaces, at these places, the names and addresses of the pod's; then its routes and neighbours. */
  async configureGuest(client: AgentClient, places: readonly GuestInterface[]): Promise<void> {
    await setUpGuestNetwork(client, {
      interfaces: this.#endpoints.map(({ found }, index) => interfaceToAgent(found, places[index]!.devicePath)),
      routes: routesToAgent(this.#found),
      neighbours: neighboursToAgent(this.#found),
    });
  }

  /** Once the VMM has them, so that they go with it. Idempotent. */
  closeTaps(): void {
    for (const endpoint of this.#endpoints) {
      close(endpoint.fd);
      endpoint.fd = -1;
    }
  }

  /** Takes everything away, once the VM is gone. Idempotent. */
  async disconnect(report: (message: string) => void): Promise<void> {
    this.closeTaps();
    this.#net.close();
    await disconnect(this.saved, report);
  }
}
