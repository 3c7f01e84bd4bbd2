import { close } from '../../os/fd.ts';
import { inNamespace, namespaceIdentity } from '../../os/namespace.ts';
import { IFA_F } from '../../os/netlink/address.ts';
import { interfaceIndex, interfacePciAddress } from '../../os/netlink/interface-ioctl.ts';
import { addLink } from '../../os/netlink/link.ts';
import { formatMac } from '../../os/netlink/mac-address.ts';
import { macvtapLink, openMacvtap } from '../../os/netlink/macvtap.ts';
import type { Route } from '../../os/netlink/route.ts';
import type { Rtnetlink } from '../../os/netlink/rtnetlink.ts';
import { openTap } from '../../os/netlink/tuntap.ts';
import { randomBytes } from '../../os/random.ts';
import type { SandboxLog } from '../sandbox-log.ts';
import { type Connection, type ConnectionKind, limitsNotKept, type Rates, yieldRequests } from './connection.ts';
import { endpointKind } from './endpoint.ts';
import { disconnect } from './saved-network.ts';
import type { FoundInterface, FoundNetwork } from './scan.ts';

/** One interface of the pod, and the descriptor by which the guest gets it. */
export interface Endpoint {
  found: FoundInterface;
  fd: number;
  connection: Connection;
}

export interface EndpointOptions {
  /** The namespace. */
  path: string;
  net: Rtnetlink;
  model: 'tcfilter' | 'macvtap' | 'none';
  rates: Rates;
  log: SandboxLog;
  /** Called with all connections before anything is changed that does not go with a descriptor. */
  save: (connections: readonly Connection[]) => void;
  /** Where a node may be made for a moment. */
  nodePath: string;
}

const CONNECTED_BY = { tcfilter: 'redirect', macvtap: 'macvtap', none: 'unconnected' } as const;

/** Opens a guest's end for each interface. On failure nothing is left. */
export async function openEndpoints(found: FoundNetwork, options: EndpointOptions): Promise<Endpoint[]> {
  const { path, net, model, rates, log } = options;
  const plans = inNamespace(path, 'net', () => plan(found, model, rates));
  for (const { connection } of plans)
    for (const key of limitsNotKept(connection.kind, rates))
      log.warning(`${key} does not hold for ${connection.name}: it is connected by ${connection.kind}`);
  const connections = plans.map(({ connection }) => connection);
  const opened: Endpoint[] = [];
  try {
    options.save(connections);
    for (const { found: each, connection } of plans) {
      await net.apply(...yieldRequests(connection, randomMac()));
      if (connection.kind === 'macvtap')
        await net.apply(addLink(macvtapLink(connection.tap.name, connection.link, each.link.macAddress)));
      const fd = inNamespace(path, 'net', () => openEnd(connection, each, options.nodePath));
      opened.push({ found: each, fd, connection });
    }
    return opened;
  } catch (error) {
    for (const { fd } of opened) close(fd);
    await disconnect({ path, identity: namespaceIdentity(path), connections }, (message) => log.warning(message));
    throw error;
  }
}

/** How each interface is to be connected, by what name; in its namespace. */
function plan({ interfaces, names: taken, routes }: FoundNetwork, model: EndpointOptions['model'], rates: Rates) {
  const names = new Set(taken);
  return interfaces.map((found) => {
    const { link, hasIngress } = found;
    const pciAddress = link.kind === '' ? interfacePciAddress(link.name) : undefined;
    const kind: ConnectionKind = endpointKind(link, pciAddress) === 'interface' ? CONNECTED_BY[model] : 'own';
    const name = kind === 'own' ? link.name : freeTapName(names);
    names.add(name);
    const connection: Connection = {
      kind,
      link: link.index,
      name: link.name,
      // Known once it is there.
      tap: { index: kind === 'own' ? link.index : 0, name },
      hadIngress: hasIngress,
      limited: [
        ...(kind === 'redirect' && rates.send > 0n ? [link.index] : []),
        ...(kind === 'own' && rates.receive > 0n ? [link.index] : []),
      ],
      original: originalOf(kind, found, routes),
    };
    return { found, connection };
  });
}

/** What an interface has to yield: beneath a macvtap all that the guest answers to, of a tap the address of the guest's end. */
function originalOf(
  kind: ConnectionKind,
  { link, addresses }: FoundInterface,
  routes: readonly Route[],
): Connection['original'] {
  const { index, macAddress } = link;
  if (kind !== 'macvtap') return link.kind === 'tun' ? { macAddress, addresses: [], routes: [] } : null;
  return {
    macAddress,
    addresses: addresses.map(({ address, prefixLength, scope, flags }) => ({
      ...{ address, prefixLength, scope, link: index },
      flags: flags & IFA_F.NODAD,
    })),
    routes: routes.filter((route) => route.link === index),
  };
}

/** The descriptor of a guest's end; in its namespace. */
function openEnd(connection: Connection, { link }: FoundInterface, nodePath: string): number {
  const { kind, tap } = connection;
  if (kind === 'macvtap' || link.kind === 'macvtap') {
    tap.index = interfaceIndex(tap.name);
    return openMacvtap(tap.name, nodePath);
  }
  const { fds } = openTap({ name: tap.name, exists: kind === 'own' });
  tap.index = interfaceIndex(tap.name);
  return fds[0]!;
}

/** As upstream names them, `tap0_kata`; one of a name that is taken belongs to somebody else. */
function freeTapName(names: ReadonlySet<string>): string {
  let number = 0;
  while (names.has(`tap${number}_kata`)) number++;
  return `tap${number}_kata`;
}

/** Locally administered, of one station. */
function randomMac(): string {
  const bytes = randomBytes(6);
  bytes[0] = (bytes[0]! & 0xfc) | 0x02;
  return formatMac(bytes);
}
