import type { GuestInterface } from '../../hypervisor/hypervisor.ts';
import { hasTaps, privateTaps } from '../../hypervisor/qemu/interface-taps.ts';
import type { Qemu } from '../../hypervisor/qemu/qemu.ts';
import { close } from '../../os/fd.ts';
import type { Interface, Route } from '../../protocols/gen/types.ts';
import { IPFamily } from '../../protocols/gen/types.ts';
import type { AgentClient } from '../agent-client.ts';

/** What the guest is told in the warm-up: documentation addresses (RFC 5737, RFC 3849), on a tap that leads nowhere. */
const NAME = 'eth0';
const MACS = ['02:00:00:00:00:01', '02:00:00:00:00:02'];
const ADDRESSES = [
  { family: IPFamily.v4, address: '192.0.2.2', mask: '24' },
  { family: IPFamily.v6, address: '2001:db8::2', mask: '64' },
];
const ROUTES: Route[] = [
  { dest: '0.0.0.0/0', gateway: '192.0.2.1', family: IPFamily.v4 },
  { dest: '::/0', gateway: '2001:db8::1', family: IPFamily.v6 },
].map((route) => ({ ...route, device: NAME, source: '', scope: 0, flags: 0, mtu: 0 }));

/** Starts a VM with an interface that leads nowhere. */
export async function startWithInterface(machine: Qemu): Promise<GuestInterface | null> {
  if (!hasTaps()) {
    await machine.start();
    return null;
  }
  const fds = privateTaps();
  try {
    const place = await machine.attachInterface({ fd: fds[0]!, macAddress: MACS[0]! });
    await machine.start();
    return place;
  } finally {
    for (const fd of fds) close(fd);
  }
}

/** How often: at first the driver is bound, later the interface only gets its addresses, as in a clone. */
const ROUNDS = 2;

/** Has the guest set up an interface and take it away again: it is there and waits then. What driver and device agreed upon. */
export async function warmUpInterface({ extension }: AgentClient, { devicePath }: GuestInterface): Promise<string> {
  let features = '';
  for (let round = 0; round < ROUNDS; round++) {
    const interfaces = [wanted(devicePath, MACS[round]!)];
    await extension.setUpNetwork({ interfaces, routes: ROUTES, neighbours: [] });
    ({ features } = await extension.releaseInterface({ devicePath }));
  }
  return features;
}

const wanted = (devicePath: string, hwAddr: string): Interface => ({
  device: NAME,
  name: NAME,
  IPAddresses: ADDRESSES,
  mtu: 1500n,
  hwAddr,
  devicePath,
  type: 'veth',
  rawFlags: 0,
});
