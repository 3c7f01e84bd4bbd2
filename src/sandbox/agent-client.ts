import { KataError } from '../errors/kata-error.ts';
import type { ByteStream } from '../os/byte-stream.ts';
import { AgentServiceDefinition } from '../protocols/gen/agent.ts';
import { AgentExtensionDefinition } from '../protocols/gen/agent-extension.ts';
import { HealthDefinition } from '../protocols/gen/health.ts';
import { type CallOptions, createClient, type ServiceClient, TtrpcClient } from '../ttrpc/client.ts';

/** The guest's agent, as the sandbox speaks to it. */
export interface AgentClient {
  agent: ServiceClient<typeof AgentServiceDefinition>;
  health: ServiceClient<typeof HealthDefinition>;
  /** Answers `unimplemented` when the agent is upstream's. */
  extension: ServiceClient<typeof AgentExtensionDefinition>;
  /** The id of the next stream in the connection, for whoever goes on with it (`Snapshot.agentStreamId`). */
  readonly nextStreamId: number;
  /** Settles when the agent hung up, or we did. */
  closed: Promise<unknown>;
  close(): void;
}

/** What an extension is asked for; nothing when the agent is upstream's. */
export async function ifServed<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (KataError.from(error).code === 'unimplemented') return undefined;
    throw error;
  }
}

/** What waits for a process, its bytes, or an event takes as long as it takes. */
const WITHOUT_LIMIT = new Set(['WaitProcess', 'ReadStdout', 'ReadStderr', 'WriteStdin', 'GetOOMEvent']);
/** A guest that does not answer must not hold up whoever wants to be rid of it. */
const ANSWER_TIMEOUT_MS = 60_000;

/**
 * Speaks the agent API over the VM's channel. A call that names no limit and waits for nothing throws
 * `deadline-exceeded` after `answerTimeoutMs`.
 */
export function agentClient(
  channel: ByteStream,
  { answerTimeoutMs = ANSWER_TIMEOUT_MS, firstStreamId = 1 } = {},
): AgentClient {
  const connection = new TtrpcClient(channel, "the guest's agent", firstStreamId);
  const limited = {
    call(service: string, method: string, payload: readonly Uint8Array[], options: CallOptions = {}) {
      const timeoutMs = options.timeoutMs ?? (WITHOUT_LIMIT.has(method) ? undefined : answerTimeoutMs);
      return connection.call(service, method, payload, { ...options, timeoutMs });
    },
  };
  return {
    agent: createClient(AgentServiceDefinition, limited),
    health: createClient(HealthDefinition, limited),
    extension: createClient(AgentExtensionDefinition, limited),
    get nextStreamId() {
      return connection.nextStreamId;
    },
    closed: connection.closed,
    close: () => connection.close(),
  };
}
