import type { AgentServiceDefinition } from '../../protocols/gen/agent.ts';
import type { Handlers } from '../../ttrpc/server.ts';

/** Handlers of the agent's service. */
export type AgentHandlers = Required<Handlers<typeof AgentServiceDefinition>>;

/** Some of them, by name. */
export type SomeHandlers<Name extends keyof AgentHandlers> = Pick<AgentHandlers, Name>;
