import { KataError } from '../../errors/kata-error.ts';
import { Attributes, AttributeWriter } from './attribute.ts';
import {
  AF_INET,
  familyOf,
  formatIp,
  formatPrefix,
  type IpFamily,
  type IpPrefix,
  parseIp,
  parsePrefix,
} from './ip-address.ts';
import { type Message, NLM_F, payloadOf, type Request } from './message.ts';

/** Message types of routes (rtnetlink(7)). */
export const RTM_ROUTE = { NEW: 24, DEL: 25, GET: 26 } as const;

/** Who made a route (`linux/rtnetlink.h`). */
export const RTPROT = { UNSPEC: 0, REDIRECT: 1, KERNEL: 2, BOOT: 3, STATIC: 4 } as const;

/** How far away its destination is. */
export const RT_SCOPE = { UNIVERSE: 0, SITE: 200, LINK: 253, HOST: 254, NOWHERE: 255 } as const;

/** What a route does. */
export const RTN = { UNICAST: 1, LOCAL: 2, BROADCAST: 3, BLACKHOLE: 6, UNREACHABLE: 7, PROHIBIT: 8 } as const;

/** The table that is used when nothing else says otherwise, and that of the own addresses. */
export const RT_TABLE = { MAIN: 254, LOCAL: 255 } as const;

/** The gateway is on the link even if no address says so. */
export const RTNH_F_ONLINK = 4;
/** A remembered decision, not a route that somebody made. */
const RTM_F_CLONED = 0x200;

const RTA = { DST: 1, SRC: 2, OIF: 4, GATEWAY: 5, PRIORITY: 6, PREFSRC: 7, METRICS: 8, TABLE: 15, VIA: 18 } as const;
const RTAX_MTU = 2;
const HEADER = 12;

/** A route. */
export interface Route {
  family: IpFamily;
  /** `10.1.0.0/16`; `0.0.0.0/0` or `::/0` for the default route. */
  destination: string;
  /** The next router; empty: the destination is on the link. */
  gateway: string;
  /** The index of the interface it leads to; 0: several or none. */
  link: number;
  /** The address that packets go out with; empty: the kernel chooses. */
  source: string;
  scope: number;
  protocol: number;
  type: number;
  table: number;
  /** `RTNH_F_ONLINK` and what the kernel notes. */
  flags: number;
  /** The smaller goes first. */
  priority: number;
  /** 0: the interface's. */
  mtu: number;
}

/** The route in an RTM_NEWROUTE message; null for the kernel's own notes. */
export function decodeRoute({ payload }: Message): Route | null {
  const fields = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const family = fields.getUint8(0) as IpFamily;
  const flags = fields.getUint32(8, true);
  if ((flags & RTM_F_CLONED) !== 0) return null;
  const attributes = new Attributes(payload.subarray(HEADER));
  const any = new Uint8Array(family === AF_INET ? 4 : 16);
  const via = attributes.bytes(RTA.VIA)?.subarray(2);
  const text = (bytes: Uint8Array | undefined): string => (bytes === undefined ? '' : formatIp(bytes));
  return {
    family,
    destination: formatPrefix({ address: attributes.bytes(RTA.DST) ?? any, prefixLength: fields.getUint8(1) }),
    gateway: text(attributes.bytes(RTA.GATEWAY) ?? via),
    link: attributes.u32(RTA.OIF) ?? 0,
    source: text(attributes.bytes(RTA.PREFSRC)),
    scope: fields.getUint8(6),
    protocol: fields.getUint8(5),
    type: fields.getUint8(7),
    table: attributes.u32(RTA.TABLE) ?? fields.getUint8(4),
    flags,
    priority: attributes.u32(RTA.PRIORITY) ?? 0,
    mtu: attributes.nested(RTA.METRICS)?.u32(RTAX_MTU) ?? 0,
  };
}

/** A route to make or to delete. Empty texts and zeros mean the same as leaving a field out. */
export interface NewRoute {
  /** `10.1.0.0/16`; empty: the default route, of the gateway's or source's family or of `family`. */
  destination?: string;
  gateway?: string;
  link?: number;
  source?: string;
  family?: IpFamily;
  /** Default: everywhere with a gateway, this link without one, as ip-route(8) has it. */
  scope?: number;
  /** Default: BOOT, as ip-route(8) has it. */
  protocol?: number;
  /** Default: UNICAST. */
  type?: number;
  /** Default: MAIN. */
  table?: number;
  flags?: number;
  priority?: number;
  mtu?: number;
}

function destinationOf(route: NewRoute): IpPrefix {
  if (route.destination) return parsePrefix(route.destination);
  const other = route.gateway || route.source;
  const family = route.family ?? (other ? familyOf(parseIp(other)) : undefined);
  if (family === undefined)
    throw new KataError(
      'invalid-argument',
      'a route with a destination, gateway, source or family is expected, found none',
      {
        hint: 'write 0.0.0.0/0 or ::/0 for the default route',
      },
    );
  return { address: new Uint8Array(family === AF_INET ? 4 : 16), prefixLength: 0 };
}

function defaultScope({ gateway, type = RTN.UNICAST }: NewRoute, family: IpFamily): number {
  if (family !== AF_INET) return RT_SCOPE.UNIVERSE;
  if (type === RTN.LOCAL) return RT_SCOPE.HOST;
  return type === RTN.UNICAST && !gateway ? RT_SCOPE.LINK : RT_SCOPE.UNIVERSE;
}

/** Bits behind the prefix would be refused; whoever writes 10.1.2.3/16 means 10.1.0.0/16. */
function networkOf({ address, prefixLength }: IpPrefix): Uint8Array {
  return address.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, prefixLength - i * 8))));
}

function payload(route: NewRoute, forDeletion: boolean): Uint8Array {
  const destination = destinationOf(route);
  const family = familyOf(destination.address);
  const { table = RT_TABLE.MAIN, type = RTN.UNICAST } = route;
  const protocol = route.protocol ?? (forDeletion ? RTPROT.UNSPEC : RTPROT.BOOT);
  const scope = route.scope ?? (forDeletion ? RT_SCOPE.NOWHERE : defaultScope(route, family));
  const header = new Uint8Array(HEADER);
  header.set([family, destination.prefixLength, 0, 0, table < 256 ? table : 0, protocol, scope, type]);
  new DataView(header.buffer).setUint32(8, route.flags ?? 0, true);
  const attributes = new AttributeWriter().u32(RTA.TABLE, table);
  if (destination.prefixLength > 0) attributes.bytes(RTA.DST, networkOf(destination));
  if (route.gateway) writeGateway(attributes, parseIp(route.gateway), family);
  if (route.link) attributes.u32(RTA.OIF, route.link);
  if (route.source) attributes.bytes(RTA.PREFSRC, parseIp(route.source));
  if (route.priority) attributes.u32(RTA.PRIORITY, route.priority);
  const { mtu } = route;
  if (mtu) attributes.nested(RTA.METRICS, (metrics) => metrics.u32(RTAX_MTU, mtu));
  return payloadOf(header, attributes.encoded());
}

function writeGateway(attributes: AttributeWriter, gateway: Uint8Array, family: IpFamily): void {
  if (familyOf(gateway) === family) attributes.bytes(RTA.GATEWAY, gateway);
  else attributes.bytes(RTA.VIA, Uint8Array.of(familyOf(gateway), 0, ...gateway));
}

const named = ({ destination, gateway, link }: NewRoute): string =>
  `the route to ${destination || 'everywhere'}${gateway ? ` via ${gateway}` : ''}${link ? ` on interface ${link}` : ''}`;

/** Makes a route; one that is there already is replaced, or an error (`EEXIST`) with `replace: false`. */
export function addRoute(route: NewRoute, options: { replace?: boolean } = {}): Request {
  return {
    type: RTM_ROUTE.NEW,
    flags: NLM_F.CREATE | (options.replace === false ? NLM_F.EXCL : NLM_F.REPLACE),
    payload: payload(route, false),
    what: `add ${named(route)}`,
  };
}

/** Deletes the first route that fits what is given; none is `ESRCH`. */
export function deleteRoute(route: NewRoute): Request {
  return { type: RTM_ROUTE.DEL, flags: 0, payload: payload(route, true), what: `delete ${named(route)}` };
}

/** Asks for all routes of all tables. */
export function listRoutes(): Request {
  return { type: RTM_ROUTE.GET, flags: 0, payload: new Uint8Array(HEADER), what: 'list the routes' };
}
