// Made of google/protobuf/empty.proto by `npm run generate`. Do not edit.
import { type MessageType, message } from '../../../codec.ts';

export interface Empty {
}
export const Empty: MessageType<Empty> = /* @__PURE__ */ message('');
