import { AF_INET6 } from '../../os/netlink/ip-address.ts';
import { IFF } from '../../os/netlink/link.ts';
import type { Neighbour } from '../../os/netlink/neighbour.ts';
import { NUD } from '../../os/netlink/neighbour.ts';
import { type Route as HostRoute, RTNH_F_ONLINK } from '../../os/netlink/route.ts';
import { type ARPNeighbor, type Interface, IPFamily, type Route } from '../../protocols/gen/types.ts';
import type { FoundInterface, FoundNetwork } from './scan.ts';

const RT_SCOPE_LINK = 253;

const family = (of: number): IPFamily => (of === AF_INET6 ? IPFamily.v6 : IPFamily.v4);

/** The guest's interface, as the agent API writes it. Addresses of one link are the guest's own to choose. */
export function interfaceToAgent(found: FoundInterface, devicePath: string): Interface {
  const { link, addresses } = found;
  return {
    device: link.name,
    name: link.name,
    IPAddresses: addresses
      .filter((address) => address.family !== AF_INET6 || address.scope !== RT_SCOPE_LINK)
      .map((address) => ({
        family: family(address.family),
        address: address.address,
        mask: String(address.prefixLength),
      })),
    mtu: BigInt(link.mtu),
    hwAddr: link.macAddress,
    devicePath,
    type: link.kind,
    rawFlags: link.flags & IFF.NOARP,
  };
}

/** The guest's routes. Of flags, only the one that somebody sets: the others are the kernel's notes. */
export function routesToAgent({ routes, interfaces }: FoundNetwork): Route[] {
  const names = namesOf(interfaces);
  return routes.map((route: HostRoute) => ({
    dest: route.destination,
    gateway: route.gateway,
    device: names.get(route.link)!,
    source: route.source,
    scope: route.scope,
    family: family(route.family),
    flags: route.flags & RTNH_F_ONLINK,
    mtu: route.mtu,
  }));
}

/** Neighbours that the guest need not ask for. */
export function neighboursToAgent({ neighbours, interfaces }: FoundNetwork): ARPNeighbor[] {
  const names = namesOf(interfaces);
  return neighbours.map(({ address, macAddress, link, flags, family: of }: Neighbour) => ({
    toIPAddress: { family: family(of), address, mask: '' },
    device: names.get(link)!,
    lladdr: macAddress,
    state: NUD.PERMANENT,
    flags,
  }));
}

const namesOf = (interfaces: readonly FoundInterface[]): Map<number, string> =>
  new Map(interfaces.map(({ link }) => [link.index, link.name]));
