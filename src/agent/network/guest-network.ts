import { KataError } from '../../errors/kata-error.ts';
import { readText } from '../../os/file.ts';
import { inNamespace, newNamespace } from '../../os/namespace.ts';
import { deleteAddress } from '../../os/netlink/address.ts';
import { type Link, setLink } from '../../os/netlink/link.ts';
import { Rtnetlink } from '../../os/netlink/rtnetlink.ts';
import type { NetworkStats } from '../../protocols/gen/agent.ts';
import type { SetUpNetworkRequest } from '../../protocols/gen/agent-extension.ts';
import type { ARPNeighbor, Interface, Route } from '../../protocols/gen/types.ts';
import { bringLoopbackUp } from '../container/loopback.ts';
import { waitForPciDevice, waitForPciInterface } from '../hotplug/pci-device.ts';
import { setUpRequests, updateInterface } from './interfaces.ts';
import { addNeighbours, newNeighbours } from './neighbours.ts';
import { parseNetworkStats } from './parse-network-stats.ts';
import { newRoutes, toKernel, updateRoutes } from './routes.ts';
import { bindVirtioNet, needVirtioNet, negotiatedFeatures } from './virtio-net.ts';

/**
 * Which interfaces the containers of this guest see. Theirs is the guest's own network namespace. A guest that was saved has an
 * interface in it that is up and waits for an address; as long as it waits, containers are in another namespace, where there is
 * only the loopback.
 */
export class GuestNetwork {
  /** Interfaces that wait, as they were left, by the PCI paths of their devices. */
  readonly #waiting = new Map<string, Link>();
  /** The namespace with nothing but the loopback. */
  #empty = -1;
  /** Containers were made in it: they see what is there, whatever comes, for as long as there are any. */
  #isEmptyUsed = false;
  readonly #hasContainers: () => boolean;

  /** @param hasContainers whether there are any, or any are being made */
  constructor(hasContainers: () => boolean) {
    this.#hasContainers = hasContainers;
  }

  /** The namespace for a container that is being made; undefined: the guest's own. */
  namespaceForContainer(): number | undefined {
    const namespace = this.#namespace;
    this.#isEmptyUsed = namespace !== undefined;
    return namespace;
  }

  get #namespace(): number | undefined {
    return this.#isEmptyUsed || this.#waiting.size > 0 ? this.#empty : undefined;
  }

  /** Opens what containers see. */
  open(): Rtnetlink {
    return this.visit(() => Rtnetlink.open());
  }

  /** Calls `action`, which must not await, where the containers are. */
  visit<T>(action: () => T): T {
    const namespace = this.#namespace;
    return namespace === undefined ? action() : inNamespace(namespace, 'net', action);
  }

  /** The name of the interface of a device, where the containers see it; its driver is bound if need be. Empty path: the driver is loaded, for all devices. */
  async claim(devicePath: string, timeoutMs: number): Promise<string | undefined> {
    if (devicePath === '') {
      needVirtioNet();
      return undefined;
    }
    if (!this.#hasContainers()) this.#isEmptyUsed = false;
    let name = this.#waiting.get(devicePath)?.name;
    this.#waiting.delete(devicePath);
    if (name === undefined) {
      const device = await waitForPciDevice(devicePath, timeoutMs);
      bindVirtioNet(device);
      name = await waitForPciInterface(devicePath, timeoutMs);
    }
    const namespace = this.#namespace;
    if (namespace !== undefined) await moveTo(name, namespace);
    return name;
  }

  /**
   * Sets up the network of a sandbox that has no container yet. With interfaces that wait all is one batch, and nothing needs to
   * be asked for.
   */
  async setUp({ interfaces, routes, neighbours }: SetUpNetworkRequest, timeoutMs: number): Promise<void> {
    const waiting = interfaces.map(({ devicePath }) => this.#waiting.get(devicePath));
    const areReady = waiting.every((link, i) => link?.name === interfaces[i]!.name) && !this.#hasContainers();
    if (!areReady || !(await this.#setUpReady(interfaces, routes, neighbours))) {
      for (const wanted of interfaces) await this.update(wanted, timeoutMs);
      using net = this.open();
      await updateRoutes(net, routes);
      await addNeighbours(net, neighbours);
    }
  }

  /** Whether it could be done: some kinds of interfaces change only while they are down. */
  async #setUpReady(interfaces: Interface[], routes: Route[], neighbours: ARPNeighbor[]): Promise<boolean> {
    const links = interfaces.map(({ devicePath }) => this.#waiting.get(devicePath)!);
    for (const { devicePath } of interfaces) this.#waiting.delete(devicePath);
    this.#isEmptyUsed = false;
    const indexes = new Map(links.map(({ name, index }) => [name, index]));
    using net = this.open();
    const outcomes = await net.batch([
      ...interfaces.flatMap((wanted, i) => setUpRequests(links[i]!, wanted)),
      ...newRoutes(routes.map((route) => toKernel(route, indexes))),
      ...newNeighbours(neighbours, indexes),
    ]);
    const failure = outcomes.find((outcome) => outcome !== null);
    if (failure === undefined || failure === null) return true;
    if (failure.errno === 'EBUSY') return false;
    throw failure;
  }

  /** Gives an interface what is wanted of it; by itself, whatever it has now. */
  async update(wanted: Interface, timeoutMs: number): Promise<void> {
    const name = await this.claim(wanted.devicePath, timeoutMs);
    using net = this.open();
    await updateInterface(net, wanted, name);
  }

  /** Takes an interface from the containers, and keeps it up for whoever is given it next; the features that driver and device agreed upon. */
  async release(devicePath: string, timeoutMs: number): Promise<string> {
    const device = await waitForPciDevice(devicePath, timeoutMs);
    const name = await waitForPciInterface(devicePath, timeoutMs);
    using net = Rtnetlink.open();
    const link = await net.linkByName(name);
    if (link === null)
      throw new KataError('not-found', `the interface ${name} is expected in the guest's own namespace`);
    const addresses = await net.addresses(link.index);
    // What went with it when it went down is gone already.
    await net.batch([setLink(link.index, { up: false }), ...addresses.map(deleteAddress)]);
    await net.apply(setLink(link.index, { up: true, noIpv6Address: true }));
    if (this.#empty < 0) {
      this.#empty = newNamespace('net');
      inNamespace(this.#empty, 'net', bringLoopbackUp);
    }
    this.#waiting.set(devicePath, { ...link, up: true });
    return negotiatedFeatures(device);
  }

  /** The traffic of the interfaces that containers see, the loopback one left out: it is nobody's bill. */
  stats(): NetworkStats[] {
    return this.visit(() => parseNetworkStats(readText('/proc/thread-self/net/dev'))).filter(
      ({ name }) => name !== 'lo',
    );
  }
}

async function moveTo(name: string, namespace: number): Promise<void> {
  using net = Rtnetlink.open();
  const link = await net.linkByName(name);
  // It is there already when it was given before.
  if (link !== null) await net.apply(setLink(link.index, { namespace: { fd: namespace } }));
}
