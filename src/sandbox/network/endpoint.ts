import { KataError } from '../../errors/kata-error.ts';
import type { Link } from '../../os/netlink/link.ts';

/** What an interface of a pod is: one that packets are taken from, or one that has a guest's end itself. */
export type EndpointKind = 'interface' | 'tap' | 'macvtap';

const ETHERNET = 1;
/** Kinds of links that carry frames to and from elsewhere. One without a kind is a device of the host's, or of nobody's. */
const INTERFACES = ['veth', 'macvlan', 'ipvlan', 'vlan', ''] as const;

/**
 * How an interface is to be connected. `unimplemented` for one that cannot be.
 * @param pciAddress of the device that it is; undefined when it is none
 */
export function endpointKind(link: Link, pciAddress: string | undefined): EndpointKind {
  const { name, kind, hardwareType } = link;
  if (kind === 'tun' && link.tunType === 'tap') return 'tap';
  if (kind === 'macvtap') return 'macvtap';
  if (kind === '' && pciAddress !== undefined)
    throw new KataError(
      'unimplemented',
      `${name} is the physical device ${pciAddress}, which would have to be passed through to the guest by VFIO`,
      { hint: 'connect the pod by a veth, macvlan or ipvlan interface instead' },
    );
  if ((INTERFACES as readonly string[]).includes(kind) && hardwareType === ETHERNET) return 'interface';
  const found = kind === 'tun' ? 'tun (packets without Ethernet)' : kind || `hardware type ${hardwareType}`;
  throw new KataError('unimplemented', `Unsupported network interface: ${name} of kind ${found}`, {
    hint: 'veth, macvlan, ipvlan, vlan, macvtap and tap interfaces can be connected to a guest',
  });
}
