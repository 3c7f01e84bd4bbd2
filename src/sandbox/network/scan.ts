import { KataError } from '../../errors/kata-error.ts';
import { isErrno } from '../../os/errno.ts';
import { inNamespace, namespaceIdentity, namespacePath } from '../../os/namespace.ts';
import type { InterfaceAddress } from '../../os/netlink/address.ts';
import { IFF, type Link } from '../../os/netlink/link.ts';
import { type Neighbour, NUD } from '../../os/netlink/neighbour.ts';
import { type Route, RTPROT } from '../../os/netlink/route.ts';
import { Rtnetlink } from '../../os/netlink/rtnetlink.ts';

/** One interface of a pod's network namespace, with all that the guest's is to have too. */
export interface FoundInterface {
  link: Link;
  addresses: InterfaceAddress[];
  /** It has a place for filters already. */
  hasIngress: boolean;
}

/** What is in a pod's network namespace. */
export interface FoundNetwork {
  /** Those that have addresses, in the order of their making. */
  interfaces: FoundInterface[];
  /** Of all links, with addresses or without. */
  names: string[];
  /** Routes of the main table that somebody made, by those interfaces. */
  routes: Route[];
  /** Neighbours that are known for good, and gateways that answered. */
  neighbours: Neighbour[];
}

/** Opens a pod's network namespace. `not-found` when there is none at `path`, `unimplemented` for the host's own. */
export function openNetwork(path: string): Rtnetlink {
  try {
    if (namespaceIdentity(path) === namespaceIdentity(namespacePath('net')))
      throw new KataError(
        'unimplemented',
        `a network namespace of the container's own is expected, ${path} is the host's`,
        {
          hint: 'a virtual machine cannot share the interfaces of its host; run without host network',
        },
      );
    return inNamespace(path, 'net', () => Rtnetlink.open());
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'EINVAL')) throw error;
    throw new KataError('not-found', `a network namespace is expected at ${path}, there is none`, {
      hint: 'it was removed, or never made; see the log of the network plugin',
      cause: error,
    });
  }
}

/**
 * Looks at a network namespace. Links without addresses are left out, as upstream leaves them out: the base devices of tunnels,
 * which the kernel puts into every namespace, and what nobody has set up.
 */
export async function scanNetwork(net: Rtnetlink): Promise<FoundNetwork> {
  const links = (await net.links()).filter(({ flags }) => (flags & IFF.LOOPBACK) === 0);
  const names = links.map(({ name }) => name);
  if (links.length === 0) return { interfaces: [], names, routes: [], neighbours: [] };
  const addresses = await net.addresses();
  const used = links.filter(({ index }) => addresses.some(({ link }) => link === index));
  if (used.length === 0) return { interfaces: [], names, routes: [], neighbours: [] };
  const indexes = new Set(used.map(({ index }) => index));
  const routes = (await net.routes()).filter(({ protocol, link }) => protocol !== RTPROT.KERNEL && indexes.has(link));
  const gateways = new Set(routes.map(({ gateway }) => gateway));
  const neighbours = (await net.neighbours()).filter(
    ({ link, state, address, macAddress }) =>
      indexes.has(link) &&
      macAddress !== '' &&
      ((state & NUD.PERMANENT) !== 0 || ((state & NUD.REACHABLE) !== 0 && gateways.has(address))),
  );
  const filtered = new Set(
    (await net.qdiscs()).filter(({ kind }) => kind === 'ingress' || kind === 'clsact').map(({ link }) => link),
  );
  const interfaces = used.map((link) => ({
    link,
    addresses: addresses.filter((address) => address.link === link.index),
    hasIngress: filtered.has(link.index),
  }));
  return { interfaces, names, routes, neighbours };
}
