import { KataError } from '../../errors/kata-error.ts';
import { exists } from '../../os/file.ts';
import { addAddress, deleteAddress, IFA_F } from '../../os/netlink/address.ts';
import { AF_INET6, familyOf, formatIp, parseIp } from '../../os/netlink/ip-address.ts';
import { IFF, type Link, setLink } from '../../os/netlink/link.ts';
import { parseMac } from '../../os/netlink/mac-address.ts';
import type { Request } from '../../os/netlink/message.ts';
import { RT_SCOPE } from '../../os/netlink/route.ts';
import type { Rtnetlink } from '../../os/netlink/rtnetlink.ts';
import { type Interface, IPFamily } from '../../protocols/gen/types.ts';
import { log } from '../log/log.ts';

/** A name for an interface that must give its own away for a moment; at most 15 bytes. */
const temporaryName = (index: number): string => `kata-tmp${index}`;

/** The guest's interfaces, as the agent API writes them. */
export async function listInterfaces(net: Rtnetlink): Promise<Interface[]> {
  const [links, addresses] = [await net.links(), await net.addresses()];
  return links.map((link) => ({
    device: link.name,
    name: link.name,
    IPAddresses: addresses
      .filter((address) => address.link === link.index)
      .map(({ address, prefixLength, family }) => ({
        family: family === AF_INET6 ? IPFamily.v6 : IPFamily.v4,
        address,
        mask: String(prefixLength),
      })),
    mtu: BigInt(link.mtu),
    hwAddr: link.macAddress,
    devicePath: '',
    type: link.kind,
    rawFlags: link.flags,
  }));
}

/**
 * Brings an interface to what the host wants: the one of this device, or else found by its hardware address, gets its name,
 * address, MTU and addresses, and is up. An interface that has the wanted name already swaps names with it. Without a device, one
 * whose address is not here but whose name is gets the address: a VM restored from a template has the template's.
 * @param device the present name of the interface, where the host has said which device it is
 */
export async function updateInterface(net: Rtnetlink, wanted: Interface, device?: string): Promise<void> {
  const links = await net.links();
  const mac = wanted.hwAddr.toLowerCase();
  const link =
    device === undefined
      ? (links.find(({ macAddress }) => macAddress === mac) ?? links.find(({ name }) => name === wanted.name))
      : links.find(({ name }) => name === device);
  if (link === undefined)
    throw new KataError('not-found', `no interface has the address ${wanted.hwAddr} or the name ${wanted.name}`, {
      hint: `the guest has ${links.map(({ name, macAddress }) => `${name} ${macAddress}`).join(', ')}`,
    });
  const name = wanted.name || link.name;
  const holder = links.find((other) => other.name === name && other.index !== link.index);
  const present = (await net.addresses(link.index)).filter(({ address }) => !isLinkLocal(address));
  const settings = {
    name,
    ...(link.macAddress === mac ? {} : { macAddress: mac }),
    ...(wanted.mtu > 0n ? { mtu: Number(wanted.mtu) } : {}),
  };
  // One after the other, so that what depends on a change before it finds it.
  const addressed = [...present.map(deleteAddress), ...newAddresses(link, wanted)];
  const up = setLink(link.index, { up: true, noArp: (wanted.rawFlags & IFF.NOARP) !== 0 });
  if (link.up && name === link.name) {
    const changed = [setLink(link.index, settings), ...addressed, ...ownLinkLocal(link, mac), up];
    if (await succeeded(net, changed)) return;
  }
  // Most kinds are renamed, and some get another hardware address, only while they are down.
  await succeeded(net, [
    setLink(link.index, { up: false }),
    ...(holder === undefined ? [] : [setLink(holder.index, { up: false, name: temporaryName(holder.index) })]),
    setLink(link.index, settings),
    ...addressed,
    up,
    ...ownLinkLocal(link, mac),
    ...(holder === undefined ? [] : [setLink(holder.index, { name: link.name, up: holder.up })]),
  ]);
}

/** Makes changes; false when the first of them has to be made in another way, else what failed is thrown. */
async function succeeded(net: Rtnetlink, requests: readonly Request[]): Promise<boolean> {
  const outcomes = await net.batch(requests);
  if (outcomes[0]?.errno === 'EBUSY') return false;
  // An address that goes takes those of its subnet along.
  for (const outcome of outcomes) if (outcome !== null && outcome.errno !== 'EADDRNOTAVAIL') throw outcome;
  return true;
}

/**
 * The address of IPv6 that the kernel makes of a hardware address when an interface comes up: not for one that is up and gets
 * another, nor for one that has waited.
 */
function ownLinkLocal({ index }: Link, mac: string): Request[] {
  if (!exists('/proc/sys/net/ipv6')) return [];
  const [first = 0, ...others] = parseMac(mac);
  const identifier = Uint8Array.of(first ^ 2, others[0]!, others[1]!, 0xff, 0xfe, others[2]!, others[3]!, others[4]!);
  const address = formatIp(Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, ...identifier));
  return [addAddress({ address, prefixLength: 64, link: index, scope: RT_SCOPE.LINK })];
}

/** What gives a clean interface that is up, and has the wanted name, all that is wanted; the first change is refused (`EBUSY`) by some kinds. */
export function setUpRequests(link: Link, wanted: Interface): Request[] {
  const mac = wanted.hwAddr.toLowerCase();
  return [
    setLink(link.index, { macAddress: mac, ...(wanted.mtu > 0n ? { mtu: Number(wanted.mtu) } : {}) }),
    ...newAddresses(link, wanted),
    ...ownLinkLocal(link, mac),
    ...((wanted.rawFlags & IFF.NOARP) === 0 ? [] : [setLink(link.index, { noArp: true })]),
  ];
}

const isLinkLocal = (address: string): boolean => /^fe[89ab]/.test(address);

function newAddresses({ index }: Link, wanted: Interface): Request[] {
  const hasIpv6 = exists('/proc/sys/net/ipv6');
  return wanted.IPAddresses.flatMap(({ address, mask }) => {
    const isIpv6 = familyOf(parseIp(address)) === AF_INET6;
    if (isIpv6 && !hasIpv6) {
      log.warn('this guest has no IPv6, an address is left out', { address });
      return [];
    }
    const prefixLength = Number(mask);
    if (!Number.isInteger(prefixLength) || mask === '')
      throw new KataError(
        'invalid-argument',
        `a prefix length is expected as mask of ${address}, found ${JSON.stringify(mask)}`,
      );
    // The host has the address already, and knows that it is nobody else's.
    return [addAddress({ address, prefixLength, link: index, ...(isIpv6 ? { flags: IFA_F.NODAD } : {}) })];
  });
}
