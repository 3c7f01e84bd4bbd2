// Made of google/protobuf/timestamp.proto by `npm run generate`. Do not edit.
import { type MessageType, message } from '../../../codec.ts';

export interface Timestamp {
  seconds: bigint;
  nanos: number;
}
export const Timestamp: MessageType<Timestamp> = /* @__PURE__ */ message('1:seconds:I 2:nanos:i');
