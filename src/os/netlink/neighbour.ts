import { Attributes, AttributeWriter } from './attribute.ts';
import { familyOf, formatIp, type IpFamily, parseIp } from './ip-address.ts';
import { formatMac, parseMac } from './mac-address.ts';
import { type Message, NLM_F, payloadOf, type Request } from './message.ts';

/** Message types of neighbours (rtnetlink(7)). */
export const RTM_NEIGHBOUR = { NEW: 28, DEL: 29, GET: 30 } as const;

/** What is known about a neighbour (`linux/neighbour.h`). */
export const NUD = {
  NONE: 0,
  INCOMPLETE: 0x01,
  REACHABLE: 0x02,
  STALE: 0x04,
  DELAY: 0x08,
  PROBE: 0x10,
  FAILED: 0x20,
  NOARP: 0x40,
  PERMANENT: 0x80,
} as const;

const NDA = { DST: 1, LLADDR: 2 } as const;
const HEADER = 12;
const AF_INET = 2;
const AF_INET6 = 10;

/** An entry of the ARP or neighbour discovery table. */
export interface Neighbour {
  family: IpFamily;
  address: string;
  /** Empty while it is not known. */
  macAddress: string;
  /** The index of the interface it is reached by. */
  link: number;
  /** `NUD`. */
  state: number;
  /** `NTF_*`: 8 proxy, 0x80 router. */
  flags: number;
  /** `RTN_*`. */
  type: number;
}

/** The entry in an RTM_NEWNEIGH message; null for tables of other families (a bridge's). */
export function decodeNeighbour({ payload }: Message): Neighbour | null {
  const fields = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const family = fields.getUint8(0);
  const attributes = new Attributes(payload.subarray(HEADER));
  const address = attributes.bytes(NDA.DST);
  if ((family !== AF_INET && family !== AF_INET6) || address === undefined) return null;
  return {
    family,
    address: formatIp(address),
    macAddress: formatMac(attributes.bytes(NDA.LLADDR) ?? new Uint8Array(0)),
    link: fields.getInt32(4, true),
    state: fields.getUint16(8, true),
    flags: fields.getUint8(10),
    type: fields.getUint8(11),
  };
}

export interface NewNeighbour {
  address: string;
  link: number;
  macAddress?: string;
  /** Default: PERMANENT. */
  state?: number;
  flags?: number;
}

function payload({ address, link, macAddress, state = NUD.PERMANENT, flags = 0 }: NewNeighbour): Uint8Array {
  const bytes = parseIp(address);
  const header = new Uint8Array(HEADER);
  const fields = new DataView(header.buffer);
  fields.setUint8(0, familyOf(bytes));
  fields.setInt32(4, link, true);
  fields.setUint16(8, state, true);
  fields.setUint8(10, flags);
  const attributes = new AttributeWriter().bytes(NDA.DST, bytes);
  if (macAddress) attributes.bytes(NDA.LLADDR, parseMac(macAddress));
  return payloadOf(header, attributes.encoded());
}

/** Makes or replaces an entry. */
export function setNeighbour(neighbour: NewNeighbour): Request {
  return {
    type: RTM_NEIGHBOUR.NEW,
    flags: NLM_F.CREATE | NLM_F.REPLACE,
    payload: payload(neighbour),
    what: `set the neighbour ${neighbour.address} of interface ${neighbour.link}`,
  };
}

/** Deletes an entry; none is `ENOENT`. */
export function deleteNeighbour(neighbour: NewNeighbour): Request {
  return {
    type: RTM_NEIGHBOUR.DEL,
    flags: 0,
    payload: payload(neighbour),
    what: `delete the neighbour ${neighbour.address} of interface ${neighbour.link}`,
  };
}

/** Asks for all entries. */
export function listNeighbours(): Request {
  return { type: RTM_NEIGHBOUR.GET, flags: 0, payload: new Uint8Array(HEADER), what: 'list the neighbours' };
}
