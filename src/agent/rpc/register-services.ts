import { KataError } from '../../errors/kata-error.ts';
import { bootTimeNs } from '../../os/timer.ts';
import { AgentServiceDefinition } from '../../protocols/gen/agent.ts';
import { AgentExtensionDefinition } from '../../protocols/gen/agent-extension.ts';
import { HealthCheckResponse_ServingStatus, HealthDefinition } from '../../protocols/gen/health.ts';
import type { TtrpcServer } from '../../ttrpc/server.ts';
import { bootTimes } from '../boot/boot-times.ts';
import { removeCopy, rewriteCopy } from '../files/copy-file.ts';
import { clearFreeMemory } from '../guest/free-memory.ts';
import { Connections } from '../network/connections.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { AGENT_VERSION, API_VERSION } from '../version.ts';
import { containerHandlers } from './container-handlers.ts';
import { fileHandlers } from './file-handlers.ts';
import { guestHandlers } from './guest-handlers.ts';
import type { AgentHandlers } from './handlers.ts';
import { networkHandlers } from './network-handlers.ts';
import { processHandlers } from './process-handlers.ts';
import { sandboxHandlers } from './sandbox-handlers.ts';

/** Has a server answer upstream's agent API, its health service, and what this agent can say beyond. */
export function registerServices(server: TtrpcServer, sandbox: Sandbox): void {
  const agent: AgentHandlers = {
    ...containerHandlers(sandbox),
    ...processHandlers(sandbox),
    ...networkHandlers(sandbox),
    ...sandboxHandlers(sandbox),
    ...guestHandlers(sandbox),
    ...fileHandlers(sandbox),
  };
  server.register(AgentServiceDefinition, agent);
  server.register(HealthDefinition, {
    check: () => ({ status: HealthCheckResponse_ServingStatus.SERVING }),
    version: () => ({ grpcVersion: API_VERSION, agentVersion: AGENT_VERSION }),
  });
  const connections = new Connections();
  server.register(AgentExtensionDefinition, {
    listProcesses: ({ containerId }) => ({ processes: listProcesses(sandbox, containerId) }),
    async setUpNetwork(request) {
      await sandbox.network.setUp(request, sandbox.parameters.hotplugTimeoutMs);
      return {};
    },
    async releaseInterface({ devicePath }) {
      return { features: await sandbox.network.release(devicePath, sandbox.parameters.hotplugTimeoutMs) };
    },
    getBootTimes: () => ({ ...bootTimes(), nowNs: bootTimeNs() }),
    async prepareContainer({ OCI }) {
      if (OCI === undefined)
        throw new KataError('invalid-argument', 'a spec of containers to come is expected, found none');
      await sandbox.prepare(OCI);
      return {};
    },
    clearFreeMemory: ({ bytes }) => {
      clearFreeMemory(Number(bytes));
      return {};
    },
    connect: async ({ port }) => ({ connection: await connections.open(port) }),
    readConnection: async ({ connection }) => ({ data: await connections.read(connection) }),
    writeConnection: ({ connection, data }) => connections.write(connection, data),
    endConnection: ({ connection, whole }) => connections.end(connection, whole),
    removeCopy: ({ path }) => removeCopy(path),
    rewriteCopy: ({ path, data }) => rewriteCopy(path, data),
  });
}

/** Every process of a container; those that the host has started, by the host's name for them. */
function listProcesses(sandbox: Sandbox, containerId: string): { pid: number; execId: string }[] {
  const { container, records } = sandbox.entry(containerId);
  const names = new Map([...records].map(([execId, { process }]) => [process.pid, execId || containerId]));
  return container.pids().map((pid) => ({ pid, execId: names.get(pid) ?? '' }));
}
