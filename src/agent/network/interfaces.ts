import { KataError } from '../../errors/kata-error.ts';
import { exists } from '../../os/file.ts';
import { addAddress, IFA_F } from '../../os/netlink/address.ts';
import { AF_INET6, familyOf, parseIp } from '../../os/netlink/ip-address.ts';
import { IFF, type Link, setLink } from '../../os/netlink/link.ts';
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
 * Brings an interface to what the host wants: found by its hardware address, it gets its name, MTU and addresses, and
 * is up. An interface that has the wanted name already swaps names with it. One whose address is not here but whose
 * name is gets the address: a VM restored from a template has the template's.
 */
export async function updateInterface(net: Rtnetlink, wanted: Interface): Promise<void> {
  const links = await net.links();
  const mac = wanted.hwAddr.toLowerCase();
  const link = links.find(({ macAddress }) => macAddress === mac) ?? links.find(({ name }) => name === wanted.name);
  if (link === undefined)
    throw new KataError('not-found', `no interface has the address ${wanted.hwAddr} or the name ${wanted.name}`, {
      hint: `the guest has ${links.map(({ name, macAddress }) => `${name} ${macAddress}`).join(', ')}`,
    });
  const name = wanted.name || link.name;
  const holder = links.find((other) => other.name === name && other.index !== link.index);
  // An interface is renamed and gets another hardware address only while it is down.
  if (link.up) await net.apply(setLink(link.index, { up: false }));
  if (holder !== undefined) await net.apply(setLink(holder.index, { up: false, name: temporaryName(holder.index) }));
  await net.apply(
    setLink(link.index, {
      name,
      ...(link.macAddress === mac ? {} : { macAddress: mac }),
      ...(wanted.mtu > 0n ? { mtu: Number(wanted.mtu) } : {}),
    }),
  );
  await replaceAddresses(net, link, wanted);
  await net.apply(setLink(link.index, { up: true, noArp: (wanted.rawFlags & IFF.NOARP) !== 0 }));
  if (holder !== undefined) await net.apply(setLink(holder.index, { name: link.name, up: holder.up }));
}

async function replaceAddresses(net: Rtnetlink, { index }: Link, wanted: Interface): Promise<void> {
  await net.flushAddresses(index, { keepLinkLocal: true });
  const hasIpv6 = exists('/proc/sys/net/ipv6');
  for (const { address, mask } of wanted.IPAddresses) {
    const isIpv6 = familyOf(parseIp(address)) === AF_INET6;
    if (isIpv6 && !hasIpv6) {
      log.warn('this guest has no IPv6, an address is left out', { address });
      continue;
    }
    const prefixLength = Number(mask);
    if (!Number.isInteger(prefixLength) || mask === '')
      throw new KataError(
        'invalid-argument',
        `a prefix length is expected as mask of ${address}, found ${JSON.stringify(mask)}`,
      );
    // The host has the address already, and knows that it is nobody else's.
    await net.apply(addAddress({ address, prefixLength, link: index, ...(isIpv6 ? { flags: IFA_F.NODAD } : {}) }));
  }
}
