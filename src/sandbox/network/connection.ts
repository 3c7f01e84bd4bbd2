import { setLink } from '../../os/netlink/link.ts';
import type { Request } from '../../os/netlink/message.ts';
import {
  addIngress,
  addRedirect,
  deleteIngress,
  deleteRedirect,
  limitRate,
  unlimitRate,
} from '../../os/netlink/traffic-control.ts';

/** What connects an interface of a pod with the tap of the guest, as it was set up: enough to take it away by another process. */
export interface Connection {
  /** The pod's interface. */
  link: number;
  name: string;
  tap: { index: number; name: string };
  /** The interface had a place for filters before: then only our filter goes. */
  hadIngress: boolean;
  /** What the guest sends is limited, at the interface. */
  limitsSending: boolean;
}

/** Of our filter among others of the interface: behind all that somebody put there on purpose. */
const PRIORITY = 49152;

/** How much an interface of a guest may carry, in bits a second; 0: as much as it can. */
export interface Rates {
  receive: bigint;
  send: bigint;
}

/**
 * Connects a tap with an interface (model `tcfilter`): what either receives goes out by the other one. The guest receives what the
 * tap sends, and what it sends leaves by the interface.
 */
export function connectRequests(
  { link, tap, hadIngress }: Connection,
  mtu: number,
  { receive, send }: Rates,
): Request[] {
  return [
    setLink(tap.index, { mtu, up: true, noIpv6Address: true }),
    ...(hadIngress ? [] : [addIngress(link)]),
    addIngress(tap.index),
    addRedirect({ from: link, to: tap.index, priority: PRIORITY }),
    addRedirect({ from: tap.index, to: link, priority: PRIORITY }),
    ...(receive === 0n ? [] : limitRate(tap.index, receive)),
    ...(send === 0n ? [] : limitRate(link, send)),
  ];
}

/** What is left on the pod's interface once the tap is gone with its VM. */
export function disconnectRequests({ link, hadIngress, limitsSending }: Connection): Request[] {
  return [
    hadIngress ? deleteRedirect({ from: link, priority: PRIORITY }) : deleteIngress(link),
    ...(limitsSending ? [unlimitRate(link)] : []),
  ];
}
