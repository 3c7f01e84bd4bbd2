import type { KataError } from '../../errors/kata-error.ts';
import { isErrno } from '../errno.ts';
import { decodeAddress, deleteAddress, type InterfaceAddress, listAddresses, RTM_ADDRESS } from './address.ts';
import { decodeLink, getLink, type Link, listLinks, RTM_LINK } from './link.ts';
import type { Request } from './message.ts';
import { decodeNeighbour, listNeighbours, type Neighbour, RTM_NEIGHBOUR } from './neighbour.ts';
import { NETLINK, NetlinkSocket } from './netlink-socket.ts';
import { decodeRoute, listRoutes, type Route, RT_TABLE, RTM_ROUTE } from './route.ts';
import { decodeQdisc, listQdiscs, type Qdisc, RTM_QDISC } from './traffic-control.ts';

/**
 * The network of one namespace (rtnetlink(7)): what is there is asked here; what is to change are requests of
 * `link.ts`, `address.ts`, `route.ts` and `neighbour.ts`, given to `apply` or `batch`.
 */
export class Rtnetlink {
  readonly #socket: NetlinkSocket;

  private constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  /** Opens it, at once, for the namespace that the process is in now. */
  static open(): Rtnetlink {
    return new Rtnetlink(NetlinkSocket.open(NETLINK.ROUTE));
  }

  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Makes changes, sent together; the first failure is thrown after all were tried. */
  apply(...requests: Request[]): Promise<void> {
    return this.#socket.apply(...requests);
  }

  /** As `apply`, with what became of each: null is success. */
  batch(requests: readonly Request[]): Promise<(KataError | null)[]> {
    return this.#socket.batch(requests);
  }

  async links(): Promise<Link[]> {
    return (await this.#socket.dump(listLinks(), RTM_LINK.NEW)).map(decodeLink);
  }

  /** The interface of that name, or null. */
  async linkByName(name: string): Promise<Link | null> {
    try {
      return decodeLink(await this.#socket.get(getLink(name)));
    } catch (error) {
      if (isErrno(error, 'ENODEV')) return null;
      throw error;
    }
  }

  /** The first interface with that hardware address, or null. */
  async linkByMac(macAddress: string): Promise<Link | null> {
    const wanted = macAddress.toLowerCase();
    return (await this.links()).find((link) => link.macAddress === wanted) ?? null;
  }

  /** Addresses, of one interface or of all. */
  async addresses(link?: number): Promise<InterfaceAddress[]> {
    const all = (await this.#socket.dump(listAddresses(), RTM_ADDRESS.NEW)).map(decodeAddress);
    return link === undefined ? all : all.filter((address) => address.link === link);
  }

  /** Takes all addresses of an interface away, but for IPv6's own link-local one with `keepLinkLocal`. */
  async flushAddresses(link: number, options: { keepLinkLocal?: boolean } = {}): Promise<void> {
    const addresses = await this.addresses(link);
    const going = addresses.filter(({ address }) => !(options.keepLinkLocal && /^fe[89ab]/.test(address)));
    // One that goes takes those of its subnet along.
    for (const outcome of await this.batch(going.map(deleteAddress)))
      if (outcome !== null && outcome.errno !== 'EADDRNOTAVAIL') throw outcome;
  }

  /** The routes of a table; default: the main one. */
  async routes(table: number = RT_TABLE.MAIN): Promise<Route[]> {
    return (await this.#socket.dump(listRoutes(), RTM_ROUTE.NEW))
      .map(decodeRoute)
      .filter((route) => route !== null && route.table === table) as Route[];
  }

  async neighbours(): Promise<Neighbour[]> {
    return (await this.#socket.dump(listNeighbours(), RTM_NEIGHBOUR.NEW))
      .map(decodeNeighbour)
      .filter((neighbour) => neighbour !== null);
  }

  /** The queueing disciplines of all interfaces. */
  async qdiscs(): Promise<Qdisc[]> {
    return (await this.#socket.dump(listQdiscs(), RTM_QDISC.NEW)).map(decodeQdisc);
  }
}
