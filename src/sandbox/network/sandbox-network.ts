import type { Config } from '../../config/config.ts';
import type { GuestInterface, Tap } from '../../hypervisor/hypervisor.ts';
import { close } from '../../os/fd.ts';
import { inNamespace, namespaceIdentity } from '../../os/namespace.ts';
import { interfaceIndex, interfacePciAddress } from '../../os/netlink/interface-ioctl.ts';
import type { Rtnetlink } from '../../os/netlink/rtnetlink.ts';
import { openTap } from '../../os/netlink/tuntap.ts';
import type { AgentClient } from '../agent-client.ts';
import type { SandboxLog } from '../sandbox-log.ts';
import { type Connection, connectRequests, type Rates } from './connection.ts';
import { endpointKind } from './endpoint.ts';
import { disconnect, type SavedNetwork } from './saved-network.ts';
import { type FoundInterface, type FoundNetwork, openNetwork, scanNetwork } from './scan.ts';
import { interfaceToAgent, neighboursToAgent, routesToAgent } from './to-agent.ts';

/** One interface of the pod, and the tap by which the guest gets it. */
interface Endpoint {
  found: FoundInterface;
  fd: number;
  connection: Connection;
}

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

  /** What is in the namespace at `path`; null when it has no interface to connect. On failure nothing is left. */
  static async open(path: string, { hypervisor }: Config, log: SandboxLog): Promise<SandboxNetwork | null> {
    const net = openNetwork(path);
    try {
      const found = await scanNetwork(net);
      if (found.interfaces.length === 0) {
        net.close();
        return null;
      }
      const rates = { receive: hypervisor.receiveBitsPerSecond, send: hypervisor.sendBitsPerSecond };
      const endpoints = inNamespace(path, 'net', () => openEndpoints(found, rates));
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

  /** To be saved before `connect`. */
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
  async configureGuest({ agent }: AgentClient, places: readonly GuestInterface[]): Promise<void> {
    for (const [index, { found }] of this.#endpoints.entries())
      await agent.updateInterface({ interface: interfaceToAgent(found, places[index]!.devicePath) });
    await agent.updateRoutes({ routes: { Routes: routesToAgent(this.#found) } });
    const neighbours = neighboursToAgent(this.#found);
    if (neighbours.length > 0) await agent.addARPNeighbors({ neighbors: { ARPNeighbors: neighbours } });
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

/** Opens what leads to each interface, in the namespace that the process is in. On failure nothing is left. */
function openEndpoints({ interfaces }: FoundNetwork, rates: Rates): Endpoint[] {
  const endpoints: Endpoint[] = [];
  const names = new Set(interfaces.map(({ link }) => link.name));
  try {
    for (const found of interfaces) {
      const { link } = found;
      const pciAddress = link.kind === '' ? interfacePciAddress(link.name) : undefined;
      endpointKind(link, pciAddress);
      const name = freeTapName(names);
      names.add(name);
      const { fds } = openTap({ name });
      const connection = {
        link: link.index,
        name: link.name,
        tap: { index: interfaceIndex(name), name },
        hadIngress: found.hasIngress,
        limitsSending: rates.send > 0n,
      };
      endpoints.push({ found, fd: fds[0]!, connection });
    }
    return endpoints;
  } catch (error) {
    for (const { fd } of endpoints) close(fd);
    throw error;
  }
}

/** As upstream names them, `tap0_kata`; one of a name that is taken belongs to somebody else. */
function freeTapName(names: ReadonlySet<string>): string {
  let number = 0;
  while (names.has(`tap${number}_kata`)) number++;
  return `tap${number}_kata`;
}
