import type { BinaryWriter } from '@bufbuild/protobuf/wire';

/** A message's codec, as `gen/` has one under the name of each message. */
export interface MessageType<T> {
  encode(message: T, writer?: BinaryWriter): BinaryWriter;
  /** Throws an Error of the wire library when the bytes are not such a message. Byte fields are views of `input`. */
  decode(input: Uint8Array): T;
}

/** One method of a service, as `gen/` describes it. */
export interface MethodDefinition {
  /** The name on the wire, `CreateContainer`. */
  readonly name: string;
  readonly requestType: MessageType<unknown>;
  readonly requestStream: boolean;
  readonly responseType: MessageType<unknown>;
  readonly responseStream: boolean;
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
