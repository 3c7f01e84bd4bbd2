// Made of runc-options.proto by `npm run generate`. Do not edit.
import { type MessageType, message } from '../codec.ts';

/** Read for its type alone: nothing in it concerns a container in a virtual machine but the log's owner. */
export interface Options {
  noPivotRoot: boolean;
  noNewKeyring: boolean;
  shimCgroup: string;
  ioUid: number;
  ioGid: number;
  binaryName: string;
  root: string;
  systemdCgroup: boolean;
  criuImagePath: string;
  criuWorkPath: string;
  taskApiAddress: string;
  taskApiVersion: number;
}
export const Options: MessageType<Options> = /* @__PURE__ */ message('1:noPivotRoot:b 2:noNewKeyring:b 3:shimCgroup:s 4:ioUid:u 5:ioGid:u 6:binaryName:s 7:root:s 9:systemdCgroup:b 10:criuImagePath:s 11:criuWorkPath:s 12:taskApiAddress:s 13:taskApiVersion:u');

/** Info of a process in the task API's Pids: which exec it is. */
export interface ProcessDetails {
  execId: string;
}
export const ProcessDetails: MessageType<ProcessDetails> = /* @__PURE__ */ message('1:execId:s');
