// Made of runtime-options.proto by `npm run generate`. Do not edit.
import { type MessageType, message } from '../codec.ts';

/** type_url says which runtime is meant; the configuration is a file, or its content. */
export interface Options {
  typeUrl: string;
  configPath: string;
  configBody: Uint8Array;
}
export const Options: MessageType<Options> = /* @__PURE__ */ message('1:typeUrl:s 2:configPath:s 3:configBody:y');
