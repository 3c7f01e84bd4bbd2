// Made of agent-extension.proto by `npm run generate`. Do not edit.
import { type MessageType, message } from '../codec.ts';
import { Empty } from './google/protobuf/empty.ts';
import { Spec } from './oci.ts';
import { ARPNeighbor, Interface, Route } from './types.ts';

export interface ConnectRequest {
  port: number;
}
export const ConnectRequest: MessageType<ConnectRequest> = /* @__PURE__ */ message('1:port:u');

/** The number of the connection. */
export interface ConnectResponse {
  connection: number;
}
export const ConnectResponse: MessageType<ConnectResponse> = /* @__PURE__ */ message('1:connection:u');

export interface ReadConnectionRequest {
  connection: number;
}
export const ReadConnectionRequest: MessageType<ReadConnectionRequest> = /* @__PURE__ */ message('1:connection:u');

export interface ReadConnectionResponse {
  data: Uint8Array;
}
export const ReadConnectionResponse: MessageType<ReadConnectionResponse> = /* @__PURE__ */ message('1:data:y');

export interface WriteConnectionRequest {
  connection: number;
  data: Uint8Array;
}
export const WriteConnectionRequest: MessageType<WriteConnectionRequest> = /* @__PURE__ */ message('1:connection:u 2:data:y');

/** `whole`: both directions, and the number is nobody's any more. */
export interface EndConnectionRequest {
  connection: number;
  whole: boolean;
}
export const EndConnectionRequest: MessageType<EndConnectionRequest> = /* @__PURE__ */ message('1:connection:u 2:whole:b');

/** Below the folder that CopyFile writes to. */
export interface RemoveCopyRequest {
  path: string;
}
export const RemoveCopyRequest: MessageType<RemoveCopyRequest> = /* @__PURE__ */ message('1:path:s');

/** All that the file is to hold. */
export interface RewriteCopyRequest {
  path: string;
  data: Uint8Array;
}
export const RewriteCopyRequest: MessageType<RewriteCopyRequest> = /* @__PURE__ */ message('1:path:s 2:data:y');

/** Which container. */
export interface ListProcessesRequest {
  containerId: string;
}
export const ListProcessesRequest: MessageType<ListProcessesRequest> = /* @__PURE__ */ message('1:containerId:s');

/** Every process of the container, started by the runtime or by another process of the container. */
export interface ListProcessesResponse {
  processes: ProcessInfo[];
}
export const ListProcessesResponse: MessageType<ListProcessesResponse> = /* @__PURE__ */ message('1:processes:m*', () => [ProcessInfo]);

/** One process. `exec_id` is empty for a process that the runtime did not start, and the container's id for its first. */
export interface ProcessInfo {
  pid: number;
  execId: string;
}
export const ProcessInfo: MessageType<ProcessInfo> = /* @__PURE__ */ message('1:pid:u 2:execId:s');

export interface SetUpNetworkRequest {
  interfaces: Interface[];
  routes: Route[];
  neighbours: ARPNeighbor[];
}
export const SetUpNetworkRequest: MessageType<SetUpNetworkRequest> = /* @__PURE__ */ message('1:interfaces:m* 2:routes:m* 3:neighbours:m*', () => [Interface, Route, ARPNeighbor]);

export interface SetUpNetworkResponse {
}
export const SetUpNetworkResponse: MessageType<SetUpNetworkResponse> = /* @__PURE__ */ message('');

/** By the PCI path of the device, as in UpdateInterface. */
export interface ReleaseInterfaceRequest {
  devicePath: string;
}
export const ReleaseInterfaceRequest: MessageType<ReleaseInterfaceRequest> = /* @__PURE__ */ message('1:devicePath:s');

/** The features that driver and device have agreed upon, a digit each from number 0 on. */
export interface ReleaseInterfaceResponse {
  features: string;
}
export const ReleaseInterfaceResponse: MessageType<ReleaseInterfaceResponse> = /* @__PURE__ */ message('1:features:s');

export interface GetBootTimesRequest {
}
export const GetBootTimesRequest: MessageType<GetBootTimesRequest> = /* @__PURE__ */ message('');

/** Nanoseconds of the guest's boot clock. */
export interface GetBootTimesResponse {
  /** When the kernel handed over to init. */
  initStartedNs: bigint;
  /** When the agent began to serve. */
  agentReadyNs: bigint;
  /** Now, to set the two beside the host's clock. */
  nowNs: bigint;
}
export const GetBootTimesResponse: MessageType<GetBootTimesResponse> = /* @__PURE__ */ message('1:initStartedNs:U 2:agentReadyNs:U 3:nowNs:U');

export interface PrepareContainerRequest {
  /** What most containers have in common: namespaces, file systems, masked and read-only paths. */
  OCI: Spec | undefined;
}
export const PrepareContainerRequest: MessageType<PrepareContainerRequest> = /* @__PURE__ */ message('1:OCI:m', () => [Spec]);

export interface PrepareContainerResponse {
}
export const PrepareContainerResponse: MessageType<PrepareContainerResponse> = /* @__PURE__ */ message('');

export interface ClearFreeMemoryRequest {
  /** How much to clear; at most half of what is free. */
  bytes: bigint;
}
export const ClearFreeMemoryRequest: MessageType<ClearFreeMemoryRequest> = /* @__PURE__ */ message('1:bytes:U');

export interface ClearFreeMemoryResponse {
}
export const ClearFreeMemoryResponse: MessageType<ClearFreeMemoryResponse> = /* @__PURE__ */ message('');

export const AgentExtensionDefinition = {
  fullName: 'kata_ts.AgentExtension',
  methods: {
    /** The pids of a container, by the numbers of the guest's own pid namespace. */
    listProcesses: { name: 'ListProcesses', requestType: ListProcessesRequest, responseType: ListProcessesResponse },
    /** Marks of the guest's start, for the timeline. */
    getBootTimes: { name: 'GetBootTimes', requestType: GetBootTimesRequest, responseType: GetBootTimesResponse },
    /** Sets up the network of a new sandbox at once: what UpdateInterface, UpdateRoutes and AddARPNeighbors do one after the other. */
    setUpNetwork: { name: 'SetUpNetwork', requestType: SetUpNetworkRequest, responseType: SetUpNetworkResponse },
    /** Takes an interface from the containers, with all that was set up on it, and hides it until UpdateInterface names its device again. */
    releaseInterface: { name: 'ReleaseInterface', requestType: ReleaseInterfaceRequest, responseType: ReleaseInterfaceResponse },
    /** Makes the first process of a container that is still to come, as far as can be; the next one that it suits gets it. */
    prepareContainer: { name: 'PrepareContainer', requestType: PrepareContainerRequest, responseType: PrepareContainerResponse },
    /** Makes what the guest's free memory still holds zeros, as far as it can. */
    clearFreeMemory: { name: 'ClearFreeMemory', requestType: ClearFreeMemoryRequest, responseType: ClearFreeMemoryResponse },
    /** Removes what CopyFile made, with all that is in it. */
    removeCopy: { name: 'RemoveCopy', requestType: RemoveCopyRequest, responseType: Empty },
    /** Writes a file that CopyFile made anew, in place, for those who have it mounted. */
    rewriteCopy: { name: 'RewriteCopy', requestType: RewriteCopyRequest, responseType: Empty },
    /** Connects to a port at 127.0.0.1 in the guest, for port-forward. */
    connect: { name: 'Connect', requestType: ConnectRequest, responseType: ConnectResponse },
    /** The next bytes that came in over a connection; none at its end. */
    readConnection: { name: 'ReadConnection', requestType: ReadConnectionRequest, responseType: ReadConnectionResponse },
    /** Sends all of these bytes. */
    writeConnection: { name: 'WriteConnection', requestType: WriteConnectionRequest, responseType: Empty },
    /** Sends no more, or lets go of the connection. */
    endConnection: { name: 'EndConnection', requestType: EndConnectionRequest, responseType: Empty },
  },
} as const;
export type AgentExtensionDefinition = typeof AgentExtensionDefinition;
