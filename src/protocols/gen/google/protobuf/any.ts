// Made of google/protobuf/any.proto by `npm run generate`. Do not edit.
import { type MessageType, message } from '../../../codec.ts';

export interface Any {
  typeUrl: string;
  value: Uint8Array;
}
export const Any: MessageType<Any> = /* @__PURE__ */ message('1:typeUrl:s 2:value:y');
