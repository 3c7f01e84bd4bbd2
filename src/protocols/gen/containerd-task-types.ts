// Made of containerd-task-types.proto by `npm run generate`. Do not edit.
import { type MessageType, message } from '../codec.ts';
import { Any } from './google/protobuf/any.ts';

/** State of a task. */
export const Status = { UNKNOWN: 0, CREATED: 1, RUNNING: 2, STOPPED: 3, PAUSED: 4, PAUSING: 5 } as const;
export type Status = (typeof Status)[keyof typeof Status];

/** One process of a task. */
export interface ProcessInfo {
  pid: number;
  info: Any | undefined;
}
export const ProcessInfo: MessageType<ProcessInfo> = /* @__PURE__ */ message('1:pid:u 2:info:m', () => [Any]);
