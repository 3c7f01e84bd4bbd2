import { Attributes, AttributeWriter } from './attribute.ts';
import { formatMac, parseMac } from './mac-address.ts';
import { type Message, NLM_F, payloadOf, type Request } from './message.ts';

/** Message types of links (rtnetlink(7)). */
export const RTM_LINK = { NEW: 16, DEL: 17, GET: 18 } as const;

/** Flags of an interface (netdevice(7)). */
export const IFF = {
  UP: 0x1,
  BROADCAST: 0x2,
  LOOPBACK: 0x8,
  POINTOPOINT: 0x10,
  RUNNING: 0x40,
  NOARP: 0x80,
  PROMISC: 0x100,
  MULTICAST: 0x1000,
} as const;

const IFLA = {
  ADDRESS: 1,
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  MASTER: 10,
  TXQLEN: 13,
  LINKINFO: 18,
  NET_NS_PID: 19,
  STATS64: 23,
  AF_SPEC: 26,
  NET_NS_FD: 28,
} as const;
const AF_INET6 = 10;
const IFLA_INET6_ADDR_GEN_MODE = 8;
const IN6_ADDR_GEN_MODE_NONE = 1;
const IFLA_TUN_TYPE = 3;
const IFLA_INFO = { KIND: 1, DATA: 2 } as const;
const VETH_INFO_PEER = 1;
const HEADER = 16;

/** Counters of an interface since it was made. */
export interface LinkStatistics {
  receivedPackets: bigint;
  sentPackets: bigint;
  receivedBytes: bigint;
  sentBytes: bigint;
  receiveErrors: bigint;
  sendErrors: bigint;
  receiveDropped: bigint;
  sendDropped: bigint;
}

/** A network interface. */
export interface Link {
  index: number;
  name: string;
  /** `ARPHRD_*`: 1 is Ethernet, 772 loopback. */
  hardwareType: number;
  /** `IFF` bits. */
  flags: number;
  up: boolean;
  mtu: number;
  /** `02:42:ac:11:00:02`; empty where there is none. */
  macAddress: string;
  /** `veth`, `bridge`, `tun`; empty for a device of its own. */
  kind: string;
  /** The bridge or bond that it is in, by index; 0: none. */
  master: number;
  /** The interface it sits on, or a veth's other end, by index, perhaps in another namespace; 0: none. */
  parent: number;
  statistics: LinkStatistics | undefined;
  /** Of kind `tun`: whether it carries packets or frames. */
  tunType?: 'tun' | 'tap';
}

/** The interface in an RTM_NEWLINK message. */
export function decodeLink({ payload }: Message): Link {
  const fields = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const attributes = new Attributes(payload.subarray(HEADER));
  const flags = fields.getUint32(8, true);
  const info = attributes.nested(IFLA.LINKINFO);
  const isTun = info?.string(IFLA_INFO.KIND) === 'tun';
  const tunType = isTun ? info?.nested(IFLA_INFO.DATA)?.u8(IFLA_TUN_TYPE) : undefined;
  return {
    index: fields.getInt32(4, true),
    name: attributes.string(IFLA.IFNAME) ?? '',
    hardwareType: fields.getUint16(2, true),
    flags,
    up: (flags & IFF.UP) !== 0,
    mtu: attributes.u32(IFLA.MTU) ?? 0,
    macAddress: formatMac(attributes.bytes(IFLA.ADDRESS) ?? new Uint8Array(0)),
    kind: info?.string(IFLA_INFO.KIND) ?? '',
    master: attributes.u32(IFLA.MASTER) ?? 0,
    parent: attributes.u32(IFLA.LINK) ?? 0,
    statistics: decodeStatistics(attributes.bytes(IFLA.STATS64)),
    ...(tunType === undefined ? {} : { tunType: tunType === 2 ? 'tap' : 'tun' }),
  };
}

function decodeStatistics(bytes: Uint8Array | undefined): LinkStatistics | undefined {
  if (bytes === undefined || bytes.length < 64) return undefined;
  const fields = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const counter = (i: number): bigint => fields.getBigUint64(i * 8, true);
  return {
    receivedPackets: counter(0),
    sentPackets: counter(1),
    receivedBytes: counter(2),
    sentBytes: counter(3),
    receiveErrors: counter(4),
    sendErrors: counter(5),
    receiveDropped: counter(6),
    sendDropped: counter(7),
  };
}

/** struct ifinfomsg: family, type, index, flags, which flags change. */
function header(index: number, flags = 0, change = 0): Uint8Array {
  const bytes = new Uint8Array(HEADER);
  const fields = new DataView(bytes.buffer);
  fields.setInt32(4, index, true);
  fields.setUint32(8, flags, true);
  fields.setUint32(12, change, true);
  return bytes;
}

/** A network namespace, by descriptor or by one of its processes. */
export type NetworkNamespace = { fd: number } | { pid: number };

/** What can be set on an interface; what is left out stays. */
export interface LinkChanges {
  /** At most 15 bytes. Old kernels rename only an interface that is down. */
  name?: string;
  mtu?: number;
  macAddress?: string;
  up?: boolean;
  /** Nobody is asked for hardware addresses on it (IFF_NOARP). */
  noArp?: boolean;
  /** The index of the bridge that it joins; 0: it leaves. */
  master?: number;
  txQueueLength?: number;
  /** It gets no IPv6 address of its own, and so sends nothing by itself. */
  noIpv6Address?: boolean;
  /** Moves it there; it is down then and has lost its addresses. */
  namespace?: NetworkNamespace;
}

function writeChanges(attributes: AttributeWriter, changes: LinkChanges): AttributeWriter {
  const { name, mtu, macAddress, master, txQueueLength, noIpv6Address, namespace } = changes;
  if (name !== undefined) attributes.string(IFLA.IFNAME, name);
  if (mtu !== undefined) attributes.u32(IFLA.MTU, mtu);
  if (macAddress !== undefined) attributes.bytes(IFLA.ADDRESS, parseMac(macAddress));
  if (master !== undefined) attributes.u32(IFLA.MASTER, master);
  if (txQueueLength !== undefined) attributes.u32(IFLA.TXQLEN, txQueueLength);
  if (noIpv6Address)
    attributes.nested(IFLA.AF_SPEC, (families) =>
      families.nested(AF_INET6, (inet6) => inet6.u8(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE)),
    );
  if (namespace !== undefined && 'fd' in namespace) attributes.u32(IFLA.NET_NS_FD, namespace.fd);
  if (namespace !== undefined && 'pid' in namespace) attributes.u32(IFLA.NET_NS_PID, namespace.pid);
  return attributes;
}

function headerOf(index: number, { up, noArp }: LinkChanges): Uint8Array {
  const flags = (up ? IFF.UP : 0) | (noArp ? IFF.NOARP : 0);
  return header(index, flags, (up === undefined ? 0 : IFF.UP) | (noArp === undefined ? 0 : IFF.NOARP));
}

/** A new interface. */
export interface NewLink extends LinkChanges {
  name: string;
  /** `veth`, `dummy`, `bridge`, `macvtap`, `ifb`. Taps are made by `openTap`. */
  kind: string;
  /** The interface that it sits on, by index (macvlan, macvtap). */
  parent?: number;
  /** The other end of a veth. */
  peer?: LinkChanges;
  /** The kind's own attributes (IFLA_INFO_DATA). */
  kindAttributes?: (data: AttributeWriter) => void;
}

/** Makes an interface. */
export function addLink(link: NewLink): Request {
  const attributes = writeChanges(new AttributeWriter(), link);
  if (link.parent !== undefined) attributes.u32(IFLA.LINK, link.parent);
  attributes.nested(IFLA.LINKINFO, (info) => {
    info.string(IFLA_INFO.KIND, link.kind);
    const { peer, kindAttributes } = link;
    if (peer === undefined && kindAttributes === undefined) return;
    info.nested(IFLA_INFO.DATA, (data) => {
      if (peer !== undefined) {
        const inner = writeChanges(new AttributeWriter(), peer).encoded();
        data.bytes(VETH_INFO_PEER, payloadOf(headerOf(0, peer), inner));
      }
      kindAttributes?.(data);
    });
  });
  return {
    type: RTM_LINK.NEW,
    flags: NLM_F.CREATE | NLM_F.EXCL,
    payload: payloadOf(headerOf(0, link), attributes.encoded()),
    what: `add the ${link.kind} interface ${link.name}`,
  };
}

/** Changes an interface. */
export function setLink(index: number, changes: LinkChanges): Request {
  return {
    type: RTM_LINK.NEW,
    flags: 0,
    payload: payloadOf(headerOf(index, changes), writeChanges(new AttributeWriter(), changes).encoded()),
    what: `change interface ${index} (${JSON.stringify(changes)})`,
  };
}

/** Removes an interface; a veth takes its other end with it. */
export function deleteLink(index: number): Request {
  return { type: RTM_LINK.DEL, flags: 0, payload: header(index), what: `delete interface ${index}` };
}

/** The same by its name. */
export function deleteLinkByName(name: string): Request {
  const attributes = new AttributeWriter().string(IFLA.IFNAME, name).encoded();
  return {
    type: RTM_LINK.DEL,
    flags: 0,
    payload: payloadOf(header(0), attributes),
    what: `delete the interface ${name}`,
  };
}

/** Asks for one interface by its name. */
export function getLink(name: string): Request {
  const attributes = new AttributeWriter().string(IFLA.IFNAME, name).encoded();
  return {
    type: RTM_LINK.GET,
    flags: 0,
    payload: payloadOf(header(0), attributes),
    what: `find the interface ${name}`,
  };
}

/** Asks for all interfaces. */
export function listLinks(): Request {
  return { type: RTM_LINK.GET, flags: 0, payload: header(0), what: 'list the interfaces' };
}
