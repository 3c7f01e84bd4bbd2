// Made of ttrpc.proto by `npm run generate`. Do not edit.
import { type MessageType, message } from '../codec.ts';
import { Any } from './google/protobuf/any.ts';

/** A call. */
export interface Request {
  service: string;
  method: string;
  payload: Uint8Array;
  /** Nanoseconds the caller will wait, 0 for no limit. */
  timeoutNano: bigint;
  metadata: KeyValue[];
}
export const Request: MessageType<Request> = /* @__PURE__ */ message('1:service:s 2:method:s 3:payload:y 4:timeoutNano:I 5:metadata:m*', () => [KeyValue]);

/** A call's answer; no status, or code 0, means success. */
export interface Response {
  status: Status | undefined;
  payload: Uint8Array;
}
export const Response: MessageType<Response> = /* @__PURE__ */ message('1:status:m 2:payload:y', () => [Status]);

/** One word about the call; a key may come more than once. */
export interface KeyValue {
  key: string;
  value: string;
}
export const KeyValue: MessageType<KeyValue> = /* @__PURE__ */ message('1:key:s 2:value:s');

/** google.rpc.Status: one of gRPC's codes, and a text. */
export interface Status {
  code: number;
  message: string;
  details: Any[];
}
export const Status: MessageType<Status> = /* @__PURE__ */ message('1:code:i 2:message:s 3:details:m*', () => [Any]);
