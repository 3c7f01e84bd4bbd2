// Made of task.proto by `npm run generate`. Do not edit.
import { type MessageType, message } from '../codec.ts';
import { ProcessInfo, Status } from './containerd-task-types.ts';
import { Mount } from './containerd-types.ts';
import { Any } from './google/protobuf/any.ts';
import { Empty } from './google/protobuf/empty.ts';
import { Timestamp } from './google/protobuf/timestamp.ts';

/** Make a task of a bundle; stdin, stdout and stderr are FIFOs (or URIs), empty for none. */
export interface CreateTaskRequest {
  id: string;
  bundle: string;
  rootfs: Mount[];
  terminal: boolean;
  stdin: string;
  stdout: string;
  stderr: string;
  checkpoint: string;
  parentCheckpoint: string;
  options: Any | undefined;
}
export const CreateTaskRequest: MessageType<CreateTaskRequest> = /* @__PURE__ */ message('1:id:s 2:bundle:s 3:rootfs:m* 4:terminal:b 5:stdin:s 6:stdout:s 7:stderr:s 8:checkpoint:s 9:parentCheckpoint:s 10:options:m', () => [Mount, Any]);

/** The first process's pid. */
export interface CreateTaskResponse {
  pid: number;
}
export const CreateTaskResponse: MessageType<CreateTaskResponse> = /* @__PURE__ */ message('1:pid:u');

/** Let a created process run. */
export interface StartRequest {
  id: string;
  execId: string;
}
export const StartRequest: MessageType<StartRequest> = /* @__PURE__ */ message('1:id:s 2:execId:s');

/** The started process's pid. */
export interface StartResponse {
  pid: number;
}
export const StartResponse: MessageType<StartResponse> = /* @__PURE__ */ message('1:pid:u');

/** Free an exited process. */
export interface DeleteRequest {
  id: string;
  execId: string;
}
export const DeleteRequest: MessageType<DeleteRequest> = /* @__PURE__ */ message('1:id:s 2:execId:s');

/** How the freed process ended. Also what `shim delete` prints. */
export interface DeleteResponse {
  pid: number;
  exitStatus: number;
  exitedAt: Timestamp | undefined;
}
export const DeleteResponse: MessageType<DeleteResponse> = /* @__PURE__ */ message('1:pid:u 2:exitStatus:u 3:exitedAt:m', () => [Timestamp]);

/** Prepare a further process; spec is an OCI process in JSON. */
export interface ExecProcessRequest {
  id: string;
  execId: string;
  terminal: boolean;
  stdin: string;
  stdout: string;
  stderr: string;
  spec: Any | undefined;
}
export const ExecProcessRequest: MessageType<ExecProcessRequest> = /* @__PURE__ */ message('1:id:s 2:execId:s 3:terminal:b 4:stdin:s 5:stdout:s 6:stderr:s 7:spec:m', () => [Any]);

/** Give a process's terminal a new size, in characters. */
export interface ResizePtyRequest {
  id: string;
  execId: string;
  width: number;
  height: number;
}
export const ResizePtyRequest: MessageType<ResizePtyRequest> = /* @__PURE__ */ message('1:id:s 2:execId:s 3:width:u 4:height:u');

/** Ask for a process's state. */
export interface StateRequest {
  id: string;
  execId: string;
}
export const StateRequest: MessageType<StateRequest> = /* @__PURE__ */ message('1:id:s 2:execId:s');

/** A process's state. */
export interface StateResponse {
  id: string;
  bundle: string;
  pid: number;
  status: Status;
  stdin: string;
  stdout: string;
  stderr: string;
  terminal: boolean;
  exitStatus: number;
  exitedAt: Timestamp | undefined;
  execId: string;
}
export const StateResponse: MessageType<StateResponse> = /* @__PURE__ */ message('1:id:s 2:bundle:s 3:pid:u 4:status:e 5:stdin:s 6:stdout:s 7:stderr:s 8:terminal:b 9:exitStatus:u 10:exitedAt:m 11:execId:s', () => [Timestamp]);

/** Send a signal; all means every process of the task. */
export interface KillRequest {
  id: string;
  execId: string;
  signal: number;
  all: boolean;
}
export const KillRequest: MessageType<KillRequest> = /* @__PURE__ */ message('1:id:s 2:execId:s 3:signal:u 4:all:b');

/** End a process's standard input. */
export interface CloseIORequest {
  id: string;
  execId: string;
  stdin: boolean;
}
export const CloseIORequest: MessageType<CloseIORequest> = /* @__PURE__ */ message('1:id:s 2:execId:s 3:stdin:b');

/** Ask for all processes of a task. */
export interface PidsRequest {
  id: string;
}
export const PidsRequest: MessageType<PidsRequest> = /* @__PURE__ */ message('1:id:s');

/** All processes of a task. */
export interface PidsResponse {
  processes: ProcessInfo[];
}
export const PidsResponse: MessageType<PidsResponse> = /* @__PURE__ */ message('1:processes:m*', () => [ProcessInfo]);

/** Freeze a task. */
export interface PauseRequest {
  id: string;
}
export const PauseRequest: MessageType<PauseRequest> = /* @__PURE__ */ message('1:id:s');

/** Thaw a task. */
export interface ResumeRequest {
  id: string;
}
export const ResumeRequest: MessageType<ResumeRequest> = /* @__PURE__ */ message('1:id:s');

/** Save a task's processes in a folder. */
export interface CheckpointTaskRequest {
  id: string;
  path: string;
  options: Any | undefined;
}
export const CheckpointTaskRequest: MessageType<CheckpointTaskRequest> = /* @__PURE__ */ message('1:id:s 2:path:s 3:options:m', () => [Any]);

/** Set new limits; resources is OCI LinuxResources in JSON. */
export interface UpdateTaskRequest {
  id: string;
  resources: Any | undefined;
  annotations: { [key: string]: string };
}
export const UpdateTaskRequest: MessageType<UpdateTaskRequest> = /* @__PURE__ */ message('1:id:s 2:resources:m 3:annotations:s%', () => [Any]);

/** Answered when a process has ended. */
export interface WaitRequest {
  id: string;
  execId: string;
}
export const WaitRequest: MessageType<WaitRequest> = /* @__PURE__ */ message('1:id:s 2:execId:s');

/** How the process ended. */
export interface WaitResponse {
  exitStatus: number;
  exitedAt: Timestamp | undefined;
}
export const WaitResponse: MessageType<WaitResponse> = /* @__PURE__ */ message('1:exitStatus:u 2:exitedAt:m', () => [Timestamp]);

/** Ask for a task's usage. */
export interface StatsRequest {
  id: string;
}
export const StatsRequest: MessageType<StatsRequest> = /* @__PURE__ */ message('1:id:s');

/** Usage, an io.containerd.cgroups.v1.Metrics or v2.Metrics. */
export interface StatsResponse {
  stats: Any | undefined;
}
export const StatsResponse: MessageType<StatsResponse> = /* @__PURE__ */ message('1:stats:m', () => [Any]);

/** Ask who this shim is. */
export interface ConnectRequest {
  id: string;
}
export const ConnectRequest: MessageType<ConnectRequest> = /* @__PURE__ */ message('1:id:s');

/** The shim's pid and the task's. */
export interface ConnectResponse {
  shimPid: number;
  taskPid: number;
  version: string;
}
export const ConnectResponse: MessageType<ConnectResponse> = /* @__PURE__ */ message('1:shimPid:u 2:taskPid:u 3:version:s');

/** End the shim when no task is left, or now. */
export interface ShutdownRequest {
  id: string;
  now: boolean;
}
export const ShutdownRequest: MessageType<ShutdownRequest> = /* @__PURE__ */ message('1:id:s 2:now:b');

/** One shim's tasks. An empty exec_id always means the task's first process. */
export const TaskDefinition = {
  fullName: 'containerd.task.v2.Task',
  methods: {
    state: { name: 'State', requestType: StateRequest, responseType: StateResponse },
    create: { name: 'Create', requestType: CreateTaskRequest, responseType: CreateTaskResponse },
    start: { name: 'Start', requestType: StartRequest, responseType: StartResponse },
    delete: { name: 'Delete', requestType: DeleteRequest, responseType: DeleteResponse },
    pids: { name: 'Pids', requestType: PidsRequest, responseType: PidsResponse },
    pause: { name: 'Pause', requestType: PauseRequest, responseType: Empty },
    resume: { name: 'Resume', requestType: ResumeRequest, responseType: Empty },
    checkpoint: { name: 'Checkpoint', requestType: CheckpointTaskRequest, responseType: Empty },
    kill: { name: 'Kill', requestType: KillRequest, responseType: Empty },
    exec: { name: 'Exec', requestType: ExecProcessRequest, responseType: Empty },
    resizePty: { name: 'ResizePty', requestType: ResizePtyRequest, responseType: Empty },
    closeIO: { name: 'CloseIO', requestType: CloseIORequest, responseType: Empty },
    update: { name: 'Update', requestType: UpdateTaskRequest, responseType: Empty },
    wait: { name: 'Wait', requestType: WaitRequest, responseType: WaitResponse },
    stats: { name: 'Stats', requestType: StatsRequest, responseType: StatsResponse },
    connect: { name: 'Connect', requestType: ConnectRequest, responseType: ConnectResponse },
    shutdown: { name: 'Shutdown', requestType: ShutdownRequest, responseType: Empty },
  },
} as const;
export type TaskDefinition = typeof TaskDefinition;
