import { KataError } from '../../errors/kata-error.ts';
import type { Request } from '../../os/netlink/message.ts';
import { NUD, setNeighbour } from '../../os/netlink/neighbour.ts';
import type { Rtnetlink } from '../../os/netlink/rtnetlink.ts';
import type { ARPNeighbor } from '../../protocols/gen/types.ts';

/** Tells the kernel the hardware addresses of neighbours, so that it need not ask. */
export async function addNeighbours(net: Rtnetlink, neighbours: readonly ARPNeighbor[]): Promise<void> {
  const links = new Map((await net.links()).map(({ index, name }) => [name, index]));
  await net.apply(...newNeighbours(neighbours, links));
}

/** `invalid-argument` for one without an address, or whose interface is not among `links`. */
export function newNeighbours(neighbours: readonly ARPNeighbor[], links: ReadonlyMap<string, number>): Request[] {
  return neighbours.map(({ toIPAddress, device, lladdr, state, flags }) => {
    const link = links.get(device);
    if (toIPAddress === undefined || link === undefined)
      throw new KataError(
        'invalid-argument',
        `a neighbour is expected to have an address and an interface, found ${device}`,
      );
    return setNeighbour({
      address: toIPAddress.address,
      link,
      state: state === 0 ? NUD.PERMANENT : state,
      flags,
      ...(lladdr === '' ? {} : { macAddress: lladdr }),
    });
  });
}
