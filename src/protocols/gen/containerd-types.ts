// Made of containerd-types.proto by `npm run generate`. Do not edit.
import { type MessageType, message } from '../codec.ts';
import { Any } from './google/protobuf/any.ts';
import { Timestamp } from './google/protobuf/timestamp.ts';

/** One mount of a snapshot. */
export interface Mount {
  type: string;
  source: string;
  target: string;
  options: string[];
}
export const Mount: MessageType<Mount> = /* @__PURE__ */ message('1:type:s 2:source:s 3:target:s 4:options:s*');

/** An event on its way. containerd 1.x keeps this message in the events service's package, with the same fields. */
export interface Envelope {
  timestamp: Timestamp | undefined;
  namespace: string;
  topic: string;
  event: Any | undefined;
}
export const Envelope: MessageType<Envelope> = /* @__PURE__ */ message('1:timestamp:m 2:namespace:s 3:topic:s 4:event:m', () => [Timestamp, Any]);

/** Standard input of `containerd-shim… -info` (containerd 2). */
export interface RuntimeRequest {
  runtimePath: string;
  options: Any | undefined;
}
export const RuntimeRequest: MessageType<RuntimeRequest> = /* @__PURE__ */ message('1:runtimePath:s 2:options:m', () => [Any]);

/** A runtime's version. */
export interface RuntimeVersion {
  version: string;
  revision: string;
}
export const RuntimeVersion: MessageType<RuntimeVersion> = /* @__PURE__ */ message('1:version:s 2:revision:s');

/** Standard output of `containerd-shim… -info` (containerd 2). */
export interface RuntimeInfo {
  name: string;
  version: RuntimeVersion | undefined;
  options: Any | undefined;
  features: Any | undefined;
  annotations: { [key: string]: string };
}
export const RuntimeInfo: MessageType<RuntimeInfo> = /* @__PURE__ */ message('1:name:s 2:version:m 3:options:m 4:features:m 5:annotations:s%', () => [RuntimeVersion, Any, Any]);
