import type { MessageType } from './codec.ts';

/** One method of a service, as `gen/` describes it: one request, one response. */
export interface MethodDefinition {
  /** The name on the wire, `CreateContainer`. */
  readonly name: string;
  readonly requestType: MessageType<unknown>;
  readonly responseType: MessageType<unknown>;
}

/** A service, as `gen/` describes it: `AgentServiceDefinition`. Methods are keyed in camel case: `createContainer`. */
export interface ServiceDefinition {
  /** Package and name, `grpc.AgentService`. */
  readonly fullName: string;
  readonly methods: { readonly [key: string]: MethodDefinition };
}

/** The request message of a method. */
export type RequestOf<M extends MethodDefinition> = M['requestType'] extends MessageType<infer T> ? T : never;
/** The response message of a method. */
export type ResponseOf<M extends MethodDefinition> = M['responseType'] extends MessageType<infer T> ? T : never;
