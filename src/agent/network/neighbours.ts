import { KataError } from '../../errors/kata-error.ts';
import { NUD, setNeighbour } from '../../os/netlink/neighbour.ts';
import type { Rtnetlink } from '../../os/netlink/rtnetlink.ts';
import type { ARPNeighbor } from '../../protocols/gen/types.ts';

/** Tells the kernel the hardware addresses of neighbours, so that it need not ask. */
export async function addNeighbours(net: Rtnetlink, neighbours: readonly ARPNeighbor[]): Promise<void> {
  const links = new Map((await net.links()).map(({ index, name }) => [name, index]));
  for (const { toIPAddress, device, lladdr, state, flags } of neighbours) {
    const link = links.get(device);
    if (toIPAddress === undefined || link === undefined)
      throw new KataError(
        'invalid-argument',
        `a neighbour is expected to have an address and an interface, found ${device}`,
      );
    await net.apply(
      setNeighbour({
        address: toIPAddress.address,
        link,
        state: state === 0 ? NUD.PERMANENT : state,
        flags,
        ...(lladdr === '' ? {} : { macAddress: lladdr }),
      }),
    );
  }
}
