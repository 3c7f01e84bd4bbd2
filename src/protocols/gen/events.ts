// Made of events.proto by `npm run generate`. Do not edit.
import { type MessageType, message } from '../codec.ts';
import { Mount } from './containerd-types.ts';
import { Timestamp } from './google/protobuf/timestamp.ts';

/** A task was made: /tasks/create. */
export interface TaskCreate {
  containerId: string;
  bundle: string;
  rootfs: Mount[];
  io: TaskIO | undefined;
  checkpoint: string;
  pid: number;
}
export const TaskCreate: MessageType<TaskCreate> = /* @__PURE__ */ message('1:containerId:s 2:bundle:s 3:rootfs:m* 4:io:m 5:checkpoint:s 6:pid:u', () => [Mount, TaskIO]);

/** A task's first process runs: /tasks/start. */
export interface TaskStart {
  containerId: string;
  pid: number;
}
export const TaskStart: MessageType<TaskStart> = /* @__PURE__ */ message('1:containerId:s 2:pid:u');

/** A task or a process was freed: /tasks/delete. An exec has its id. */
export interface TaskDelete {
  containerId: string;
  pid: number;
  exitStatus: number;
  exitedAt: Timestamp | undefined;
  id: string;
}
export const TaskDelete: MessageType<TaskDelete> = /* @__PURE__ */ message('1:containerId:s 2:pid:u 3:exitStatus:u 4:exitedAt:m 5:id:s', () => [Timestamp]);

/** The FIFOs of a task. */
export interface TaskIO {
  stdin: string;
  stdout: string;
  stderr: string;
  terminal: boolean;
}
export const TaskIO: MessageType<TaskIO> = /* @__PURE__ */ message('1:stdin:s 2:stdout:s 3:stderr:s 4:terminal:b');

/** A process ended: /tasks/exit. The task's first process has the container's id. */
export interface TaskExit {
  containerId: string;
  id: string;
  pid: number;
  exitStatus: number;
  exitedAt: Timestamp | undefined;
}
export const TaskExit: MessageType<TaskExit> = /* @__PURE__ */ message('1:containerId:s 2:id:s 3:pid:u 4:exitStatus:u 5:exitedAt:m', () => [Timestamp]);

/** A task ran out of memory: /tasks/oom. */
export interface TaskOOM {
  containerId: string;
}
export const TaskOOM: MessageType<TaskOOM> = /* @__PURE__ */ message('1:containerId:s');

/** A further process was prepared: /tasks/exec-added. */
export interface TaskExecAdded {
  containerId: string;
  execId: string;
}
export const TaskExecAdded: MessageType<TaskExecAdded> = /* @__PURE__ */ message('1:containerId:s 2:execId:s');

/** A further process runs: /tasks/exec-started. */
export interface TaskExecStarted {
  containerId: string;
  execId: string;
  pid: number;
}
export const TaskExecStarted: MessageType<TaskExecStarted> = /* @__PURE__ */ message('1:containerId:s 2:execId:s 3:pid:u');

/** A task is frozen: /tasks/paused. */
export interface TaskPaused {
  containerId: string;
}
export const TaskPaused: MessageType<TaskPaused> = /* @__PURE__ */ message('1:containerId:s');

/** A task is thawed: /tasks/resumed. */
export interface TaskResumed {
  containerId: string;
}
export const TaskResumed: MessageType<TaskResumed> = /* @__PURE__ */ message('1:containerId:s');

/** A task was saved: /tasks/checkpointed. */
export interface TaskCheckpointed {
  containerId: string;
  checkpoint: string;
}
export const TaskCheckpointed: MessageType<TaskCheckpointed> = /* @__PURE__ */ message('1:containerId:s 2:checkpoint:s');
