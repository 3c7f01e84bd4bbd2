import type { GuestInterface } from '../../hypervisor/hypervisor.ts';
import { hasTaps, privateTaps } from '../../hypervisor/qemu/interface-taps.ts';
import type { Qemu } from '../../hypervisor/qemu/qemu.ts';
import { close } from '../../os/fd.ts';
import type { Interface, Route } from '../../protocols/gen/types.ts';
import { IPFamily } from '../../protocols/gen/types.ts';
import type { AgentClient } from '../agent-client.ts';

/** What the guest is told in the warm-up: documentation addresses (RFC 5737, RFC 3849), on a tap that leads nowhere. */
const NAME = 'eth0';
const MAC = '02:00:00:00:00:01';
const ADDRESSES = [
  { family: IPFamily.v4, address: '192.0.2.2', mask: '24' },
  { family: IPFamily.v6, address: '2001:db8::2', mask: '64' },
];
const GATEWAY = '192.0.2.1';

/** Starts a VM with an interface that leads nowhere. */
export async function startWithInterface(machine: Qemu): Promise<GuestInterface | null> {
  if (!hasTaps()) {
    await machine.start();
    return null;
  }
  const fds = privateTaps();
  try {
    const place = await machine.attachInterface({ fd: fds[0]!, macAddress: MAC });
    await machine.start();
    return place;
  } finally {
    for (const fd of fds) close(fd);
  }
}

/** Has the guest set up an interface and take it away again: what that takes is there then. */
export async function warmUpInterface(
  { agent, extension }: AgentClient,
  { devicePath }: GuestInterface,
): Promise<void> {
  const wanted: Interface = {
    device: NAME,
    name: NAME,
    IPAddresses: ADDRESSES,
    mtu: 1500n,
    hwAddr: MAC,
    devicePath,
    type: 'veth',
    rawFlags: 0,
  };
  const route: Route = {
    dest: '0.0.0.0/0',
    gateway: GATEWAY,
    device: NAME,
    source: '',
    scope: 0,
    family: IPFamily.v4,
    flags: 0,
    mtu: 0,
  };
  await agent.updateInterface({ interface: wanted });
  await agent.updateRoutes({ routes: { Routes: [route] } });
  await extension.releaseInterface({ devicePath });
}
