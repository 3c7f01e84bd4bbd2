import { KataError } from '../../errors/kata-error.ts';

/** Address families (socket.h) of IP. */
export const AF_INET = 2;
export const AF_INET6 = 10;
export type IpFamily = typeof AF_INET | typeof AF_INET6;

function parseV4(text: string): Uint8Array | null {
  const fields = text.split('.');
  if (fields.length !== 4) return null;
  // No leading zero: some read it as octal.
  if (!fields.every((field) => /^(0|[1-9][0-9]{0,2})$/.test(field) && Number(field) <= 255)) return null;
  return Uint8Array.from(fields, Number);
}

/** Groups of 16 bits; an IPv4 address at the end is two. */
function parseGroups(text: string, mayEndInV4: boolean): number[] | null {
  if (text === '') return [];
  const groups: number[] = [];
  const fields = text.split(':');
  for (const [i, field] of fields.entries()) {
    const v4 = mayEndInV4 && i === fields.length - 1 ? parseV4(field) : null;
    if (v4 !== null) groups.push((v4[0]! << 8) | v4[1]!, (v4[2]! << 8) | v4[3]!);
    else if (/^[0-9a-fA-F]{1,4}$/.test(field)) groups.push(Number.parseInt(field, 16));
    else return null;
  }
  return groups;
}

function parseV6(text: string): Uint8Array | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const shortened = halves.length === 2;
  const head = parseGroups(halves[0]!, !shortened);
  const tail = parseGroups(halves[1] ?? '', true);
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (shortened ? missing < 1 : missing !== 0) return null;
  const bytes = new Uint8Array(16);
  const fields = new DataView(bytes.buffer);
  [...head, ...new Array<number>(missing).fill(0), ...tail].forEach((group, i) => {
    fields.setUint16(i * 2, group);
  });
  return bytes;
}

/** The 4 or 16 bytes of an IPv4 or IPv6 address (RFC 4291 section 2.2); null when the text is none. */
export function tryParseIp(text: string): Uint8Array | null {
  return text.includes(':') ? parseV6(text) : parseV4(text);
}

/** As `tryParseIp`; `invalid-argument` when the text is no address. */
export function parseIp(text: string): Uint8Array {
  const bytes = tryParseIp(text);
  if (bytes === null)
    throw new KataError('invalid-argument', `an IP address is expected, found ${JSON.stringify(text)}`);
  return bytes;
}

/** The text of an address, IPv6 in the form of RFC 5952: lower case, the longest run of zeros as `::`. */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) throw new KataError('internal', `an IP address has 4 or 16 bytes, found ${bytes.length}`);
  const fields = new DataView(bytes.buffer, bytes.byteOffset, 16);
  const groups = Array.from({ length: 8 }, (_, i) => fields.getUint16(i * 2));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return `::ffff:${bytes.subarray(12).join('.')}`;
  const text = (part: number[]): string => part.map((group) => group.toString(16)).join(':');
  const { start, length } = longestZeros(groups);
  if (length < 2) return text(groups);
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

function longestZeros(groups: number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (groups[end] === 0) end++;
    if (end - start > best.length) best = { start, length: end - start };
  }
  return best;
}

export function familyOf(bytes: Uint8Array): IpFamily {
  return bytes.length === 4 ? AF_INET : AF_INET6;
}

/** An address and how many of its bits name the network. */
export interface IpPrefix {
  address: Uint8Array;
  prefixLength: number;
}

/** `10.1.0.0/16`, `fd00::/8`; without a slash all bits count. */
export function parsePrefix(text: string): IpPrefix {
  const slash = text.indexOf('/');
  const address = tryParseIp(slash < 0 ? text : text.slice(0, slash));
  const digits = slash < 0 ? String((address?.length ?? 0) * 8) : text.slice(slash + 1);
  if (address === null || !/^[0-9]{1,3}$/.test(digits) || Number(digits) > address.length * 8)
    throw new KataError('invalid-argument', `address/prefix is expected, 10.1.0.0/16, found ${JSON.stringify(text)}`);
  return { address, prefixLength: Number(digits) };
}

export function formatPrefix({ address, prefixLength }: IpPrefix): string {
  return `${formatIp(address)}/${prefixLength}`;
}
