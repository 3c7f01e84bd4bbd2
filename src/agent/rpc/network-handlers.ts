import { KataError } from '../../errors/kata-error.ts';
import type { Rtnetlink } from '../../os/netlink/rtnetlink.ts';
import { listInterfaces } from '../network/interfaces.ts';
import { getIptables, setIptables } from '../network/iptables.ts';
import { addNeighbours } from '../network/neighbours.ts';
import { listRoutes, updateRoutes } from '../network/routes.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { SomeHandlers } from './handlers.ts';

type Name =
  | 'updateInterface'
  | 'updateRoutes'
  | 'listInterfaces'
  | 'listRoutes'
  | 'addARPNeighbors'
  | 'getIPTables'
  | 'setIPTables';

/** The guest's network, which its containers share. */
export function networkHandlers(sandbox: Sandbox): SomeHandlers<Name> {
  const { hotplugTimeoutMs } = sandbox.parameters;
  /** Something done with the network, one after the other, as they depend on each other. */
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(action: () => Promise<T>): Promise<T> => {
    const result = last.then(action);
    last = result.catch(() => {});
    return result;
  };
  const withNetwork = <T>(action: (net: Rtnetlink) => Promise<T>): Promise<T> =>
    inTurn(async () => {
      using net = sandbox.network.open();
      return await action(net);
    });

  return {
    async updateInterface({ interface: wanted }) {
      if (wanted === undefined) throw new KataError('invalid-argument', 'an interface is expected in the request');
      await inTurn(() => sandbox.network.update(wanted, hotplugTimeoutMs));
      return wanted;
    },

    updateRoutes({ routes }) {
      return withNetwork(async (net) => {
        await updateRoutes(net, routes?.Routes ?? []);
        return { Routes: await listRoutes(net) };
      });
    },

    listInterfaces() {
      return withNetwork(async (net) => ({ Interfaces: await listInterfaces(net) }));
    },

    listRoutes() {
      return withNetwork(async (net) => ({ Routes: await listRoutes(net) }));
    },

    addARPNeighbors({ neighbors }) {
      return withNetwork((net) => addNeighbours(net, neighbors?.ARPNeighbors ?? []));
    },

    async getIPTables({ isIpv6 }) {
      return { data: await getIptables(isIpv6) };
    },

    async setIPTables({ isIpv6, data }) {
      await setIptables(isIpv6, data);
      return { data: new Uint8Array(0) };
    },
  };
}
