import type { ByteStream } from '../os/byte-stream.ts';
import { AgentServiceDefinition } from '../protocols/gen/agent.ts';
import { AgentExtensionDefinition } from '../protocols/gen/agent-extension.ts';
import { HealthDefinition } from '../protocols/gen/health.ts';
import { createClient, type ServiceClient, TtrpcClient } from '../ttrpc/client.ts';

/** The guest's agent, as the sandbox speaks to it. */
export interface AgentClient {
  agent: ServiceClient<typeof AgentServiceDefinition>;
  health: ServiceClient<typeof HealthDefinition>;
  /** Answers `unimplemented` when the agent is upstream's. */
  extension: ServiceClient<typeof AgentExtensionDefinition>;
  /** Settles when the agent hung up, or we did. */
  closed: Promise<unknown>;
  close(): void;
}

/** Speaks the agent API over the VM's channel. */
export function agentClient(channel: ByteStream): AgentClient {
  const connection = new TtrpcClient(channel, "the guest's agent");
  return {
    agent: createClient(AgentServiceDefinition, connection),
    health: createClient(HealthDefinition, connection),
    extension: createClient(AgentExtensionDefinition, connection),
    closed: connection.closed,
    close: () => connection.close(),
  };
}
