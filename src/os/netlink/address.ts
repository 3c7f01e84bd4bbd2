import { Attributes, AttributeWriter } from './attribute.ts';
import { familyOf, formatIp, type IpFamily, parseIp } from './ip-address.ts';
import { type Message, NLM_F, payloadOf, type Request } from './message.ts';

/** Message types of interface addresses (rtnetlink(7)). */
export const RTM_ADDRESS = { NEW: 20, DEL: 21, GET: 22 } as const;

/** Flags of an address (`linux/if_addr.h`). */
export const IFA_F = { NODAD: 0x02, TENTATIVE: 0x40, PERMANENT: 0x80 } as const;

const IFA = { ADDRESS: 1, LOCAL: 2, LABEL: 3, BROADCAST: 4, FLAGS: 8 } as const;
const HEADER = 8;

/** An address of an interface. */
export interface InterfaceAddress {
  /** `10.0.0.2` or `fd00::2`. */
  address: string;
  prefixLength: number;
  /** The index of its interface. */
  link: number;
  /** `RT_SCOPE`: 0 everywhere, 253 on this link, 254 in this host. */
  scope: number;
  /** `IFA_F` bits. */
  flags: number;
  family: IpFamily;
}

/** The address in an RTM_NEWADDR message. */
export function decodeAddress({ payload }: Message): InterfaceAddress {
  const attributes = new Attributes(payload.subarray(HEADER));
  const fields = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  // On a point-to-point link ADDRESS is the other side's; IPv6 has LOCAL only there.
  const bytes = attributes.bytes(IFA.LOCAL) ?? attributes.bytes(IFA.ADDRESS) ?? new Uint8Array(4);
  return {
    address: formatIp(bytes),
    prefixLength: fields.getUint8(1),
    link: fields.getUint32(4, true),
    scope: fields.getUint8(3),
    flags: attributes.u32(IFA.FLAGS) ?? fields.getUint8(2),
    family: familyOf(bytes),
  };
}

export interface NewAddress {
  address: string;
  prefixLength: number;
  /** The index of the interface that gets it. */
  link: number;
  /** Default: everywhere (0). */
  scope?: number;
  broadcast?: string;
  /** `IFA_F` bits; with NODAD an IPv6 address serves at once, nobody is asked whether it is taken. */
  flags?: number;
}

function payload({ address, prefixLength, link, scope = 0, broadcast, flags }: NewAddress): Uint8Array {
  const bytes = parseIp(address);
  const header = new Uint8Array(HEADER);
  header.set([familyOf(bytes), prefixLength, 0, scope]);
  new DataView(header.buffer).setUint32(4, link, true);
  const attributes = new AttributeWriter().bytes(IFA.LOCAL, bytes).bytes(IFA.ADDRESS, bytes);
  if (broadcast !== undefined) attributes.bytes(IFA.BROADCAST, parseIp(broadcast));
  if (flags !== undefined) attributes.u32(IFA.FLAGS, flags);
  return payloadOf(header, attributes.encoded());
}

const named = ({ address, prefixLength, link }: NewAddress): string =>
  `address ${address}/${prefixLength} of interface ${link}`;

/** Gives an interface an address; one it has already is taken as it is. */
export function addAddress(address: NewAddress): Request {
  return {
    type: RTM_ADDRESS.NEW,
    flags: NLM_F.CREATE | NLM_F.REPLACE,
    payload: payload(address),
    what: `add ${named(address)}`,
  };
}

/** Takes an address away; one it has not is `EADDRNOTAVAIL`. */
export function deleteAddress(address: NewAddress): Request {
  return { type: RTM_ADDRESS.DEL, flags: 0, payload: payload(address), what: `delete ${named(address)}` };
}

/** Asks for all addresses of all interfaces. */
export function listAddresses(): Request {
  return { type: RTM_ADDRESS.GET, flags: 0, payload: new Uint8Array(HEADER), what: 'list the addresses' };
}
