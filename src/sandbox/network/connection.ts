import { addAddress, deleteAddress, type NewAddress } from '../../os/netlink/address.ts';
import { deleteLinkByName, setLink } from '../../os/netlink/link.ts';
import type { Request } from '../../os/netlink/message.ts';
import { addRoute, type NewRoute } from '../../os/netlink/route.ts';
import {
  addIngress,
  addRedirect,
  deleteIngress,
  deleteRedirect,
  limitRate,
  unlimitRate,
} from '../../os/netlink/traffic-control.ts';

/**
 * How an interface of a pod is connected with its guest. `redirect`: what either it or a tap of ours receives goes out by the other.
 * `macvtap`: by a macvtap interface of ours on top of it. `unconnected`: a tap of ours is there for somebody else to connect.
 * `own`: it has a guest's end itself, being a tap or macvtap.
 */
export type ConnectionKind = 'redirect' | 'macvtap' | 'unconnected' | 'own';

/** One connection, as it was set up: enough to take it away by another process. */
export interface Connection {
  kind: ConnectionKind;
  /** The pod's interface. */
  link: number;
  name: string;
  /** What the guest's end is: a tap or macvtap interface of ours, or the pod's interface itself. */
  tap: { index: number; name: string };
  /** The interface had a place for filters before: then only our filter goes. */
  hadIngress: boolean;
  /** Interfaces whose sending is limited, and that stay. */
  limited: number[];
  /** What was taken from the pod's interface, so that only the guest answers to it. */
  original: { macAddress: string; addresses: NewAddress[]; routes: NewRoute[] } | null;
}

/** Of our filter among others of the interface: behind all that somebody put there on purpose. */
const PRIORITY = 49152;

/** How much an interface of a guest may carry, in bits a second; 0: as much as it can. */
export interface Rates {
  receive: bigint;
  send: bigint;
}

/** Lets packets through, once all interfaces are there. */
export function connectRequests(connection: Connection, mtu: number, { receive, send }: Rates): Request[] {
  const { kind, link, tap, hadIngress } = connection;
  // A tap sends what the guest receives. What the guest sends goes out by the pod's interface, or by the macvtap on it.
  const receiver = kind === 'macvtap' ? null : tap.index;
  const sender = kind === 'redirect' ? link : kind === 'macvtap' ? tap.index : null;
  return [
    ...(kind === 'own' ? [] : [setLink(tap.index, { mtu, up: true, noIpv6Address: true })]),
    ...(kind === 'redirect'
      ? [
          ...(hadIngress ? [] : [addIngress(link)]),
          addIngress(tap.index),
          addRedirect({ from: link, to: tap.index, priority: PRIORITY }),
          addRedirect({ from: tap.index, to: link, priority: PRIORITY }),
        ]
      : []),
    ...(receive === 0n || receiver === null ? [] : limitRate(receiver, receive)),
    ...(send === 0n || sender === null ? [] : limitRate(sender, send)),
  ];
}

/** Which limits a connection of this kind cannot keep. */
export function limitsNotKept(kind: ConnectionKind, { receive, send }: Rates): string[] {
  return [
    ...(receive > 0n && kind === 'macvtap' ? ['rx_rate_limiter_max_rate'] : []),
    ...(send > 0n && (kind === 'own' || kind === 'unconnected') ? ['tx_rate_limiter_max_rate'] : []),
  ];
}

/** What is left on the pod's interface once the guest's end is gone with its VM. */
export function disconnectRequests({ kind, link, tap, hadIngress, limited, original }: Connection): Request[] {
  return [
    ...(kind === 'macvtap' ? [deleteLinkByName(tap.name)] : []),
    ...(kind === 'redirect'
      ? [hadIngress ? deleteRedirect({ from: link, priority: PRIORITY }) : deleteIngress(link)]
      : []),
    ...limited.map(unlimitRate),
    ...(original === null
      ? []
      : [
          setLink(link, { macAddress: original.macAddress }),
          ...original.addresses.map(addAddress),
          ...original.routes.map((route) => addRoute(route)),
        ]),
  ];
}

/** Takes from an interface what only the guest is to answer to. The routes go with the addresses. */
export function yieldRequests({ link, original }: Connection, macAddress: string): Request[] {
  if (original === null) return [];
  return [setLink(link, { macAddress }), ...original.addresses.map(deleteAddress)];
}
