import { KataError } from '../../errors/kata-error.ts';
import { AF_INET, AF_INET6 } from '../../os/netlink/ip-address.ts';
import type { Request } from '../../os/netlink/message.ts';
import { addRoute, deleteRoute, type Route as KernelRoute, type NewRoute, RTPROT } from '../../os/netlink/route.ts';
import type { Rtnetlink } from '../../os/netlink/rtnetlink.ts';
import { IPFamily, type Route } from '../../protocols/gen/types.ts';

/** The routes of the main table, as the agent API writes them. */
export async function listRoutes(net: Rtnetlink): Promise<Route[]> {
  const names = new Map((await net.links()).map(({ index, name }) => [index, name]));
  return (await net.routes()).map(({ destination, gateway, link, source, scope, family, flags, mtu }) => ({
    dest: destination,
    gateway,
    device: names.get(link) ?? '',
    source,
    scope,
    family: family === AF_INET6 ? IPFamily.v6 : IPFamily.v4,
    flags,
    mtu,
  }));
}

/** Routes that come with addresses and links, and of multicast, stay: the kernel makes them. */
function isReplaced({ protocol, destination }: KernelRoute): boolean {
  return protocol !== RTPROT.KERNEL && !destination.startsWith('ff00:') && !destination.startsWith('fe80:');
}

/** Replaces the routes that somebody made by these: first those on the link, by which the gateways are reached. */
export async function updateRoutes(net: Rtnetlink, wanted: readonly Route[]): Promise<void> {
  const links = new Map((await net.links()).map(({ index, name }) => [name, index]));
  const routes = wanted.map((route) => toKernel(route, links));
  for (const outcome of await net.batch((await net.routes()).filter(isReplaced).map((route) => deleteRoute(route)))) {
    if (outcome !== null && outcome.errno !== 'ESRCH') throw outcome;
  }
  await net.apply(...newRoutes(routes));
}

/** Those on the link first: by them the gateways of others are reached. */
export function newRoutes(routes: readonly NewRoute[]): Request[] {
  const onLink = routes.filter(({ gateway }) => gateway === undefined);
  const behind = routes.filter(({ gateway }) => gateway !== undefined);
  return [...onLink, ...behind].map((route) => addRoute(route, { replace: true }));
}

/** A route as the kernel takes it; `not-found` when its interface is not among `links`. */
export function toKernel(route: Route, links: ReadonlyMap<string, number>): NewRoute {
  const link = links.get(route.device);
  if (link === undefined)
    throw new KataError(
      'not-found',
      `a route to ${route.dest || 'everywhere'} goes by ${route.device}, there is no such interface`,
    );
  const isIpv6 = route.family === IPFamily.v6;
  return {
    link,
    family: isIpv6 ? AF_INET6 : AF_INET,
    scope: route.scope,
    ...(route.dest === '' ? {} : { destination: withPrefix(route.dest, isIpv6) }),
    ...(route.gateway === '' ? {} : { gateway: route.gateway }),
    ...(route.source === '' ? {} : { source: route.source.replace(/\/\d+$/, '') }),
    ...(route.flags === 0 ? {} : { flags: route.flags }),
    ...(route.mtu === 0 ? {} : { mtu: route.mtu }),
  };
}

/** An address without a prefix length means one host; upstream's runtimes write the default route as `0.0.0.0/0` or empty. */
function withPrefix(destination: string, isIpv6: boolean): string {
  return destination.includes('/') ? destination : `${destination}/${isIpv6 ? 128 : 32}`;
}
