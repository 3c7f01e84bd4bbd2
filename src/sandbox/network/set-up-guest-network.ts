import { KataError } from '../../errors/kata-error.ts';
import type { SetUpNetworkRequest } from '../../protocols/gen/agent-extension.ts';
import type { AgentClient } from '../agent-client.ts';

/** Sets up the guest's network: in one call of our agent's own, or in upstream's, one after the other. */
export async function setUpGuestNetwork(
  { agent, extension }: AgentClient,
  network: SetUpNetworkRequest,
): Promise<void> {
  try {
    await extension.setUpNetwork(network);
  } catch (error) {
    if (KataError.from(error).code !== 'unimplemented') throw error;
    const { interfaces, routes, neighbours } = network;
    for (const each of interfaces) await agent.updateInterface({ interface: each });
    await agent.updateRoutes({ routes: { Routes: routes } });
    if (neighbours.length > 0) await agent.addARPNeighbors({ neighbors: { ARPNeighbors: neighbours } });
  }
}
