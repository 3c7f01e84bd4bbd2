// Made of agent.proto by `npm run generate`. Do not edit.
import { type MessageType, message } from '../codec.ts';
import { Empty } from './google/protobuf/empty.ts';
import { LinuxResources, Process, Spec } from './oci.ts';
import { ARPNeighbor, FSGroupChangePolicy, Interface, Route } from './types.ts';

/** The pid of a process that was made, by the guest's pid namespace. Upstream's agent answers an empty message here, which reads as pid 0: unknown. */
export interface ProcessPid {
  pid: number;
}
export const ProcessPid: MessageType<ProcessPid> = /* @__PURE__ */ message('1:pid:u');

/** Prepare a container: mount its storages, find its devices, and hold its first process ready. */
export interface CreateContainerRequest {
  containerId: string;
  execId: string;
  stringUser: StringUser | undefined;
  devices: Device[];
  storages: Storage[];
  OCI: Spec | undefined;
  /** Use the pod's pid namespace instead of a new one. */
  sandboxPidns: boolean;
  sharedMounts: SharedMount[];
  stdinPort: number;
  stdoutPort: number;
  stderrPort: number;
}
export const CreateContainerRequest: MessageType<CreateContainerRequest> = /* @__PURE__ */ message('1:containerId:s 2:execId:s 3:stringUser:m 4:devices:m* 5:storages:m* 6:OCI:m 7:sandboxPidns:b 8:sharedMounts:m* 9:stdinPort:u 10:stdoutPort:u 11:stderrPort:u', () => [StringUser, Device, Storage, Spec, SharedMount]);

/** Let the container's first process run. */
export interface StartContainerRequest {
  containerId: string;
}
export const StartContainerRequest: MessageType<StartContainerRequest> = /* @__PURE__ */ message('1:containerId:s');

/** End what is left of a container and free it. */
export interface RemoveContainerRequest {
  containerId: string;
  /** Seconds to wait, 0 for no limit. */
  timeout: number;
}
export const RemoveContainerRequest: MessageType<RemoveContainerRequest> = /* @__PURE__ */ message('1:containerId:s 2:timeout:u');

/** Run a further process in a running container. */
export interface ExecProcessRequest {
  containerId: string;
  execId: string;
  stringUser: StringUser | undefined;
  process: Process | undefined;
  stdinPort: number;
  stdoutPort: number;
  stderrPort: number;
}
export const ExecProcessRequest: MessageType<ExecProcessRequest> = /* @__PURE__ */ message('1:containerId:s 2:execId:s 3:stringUser:m 4:process:m 5:stdinPort:u 6:stdoutPort:u 7:stderrPort:u', () => [StringUser, Process]);

/** Send a signal to one process, or with an empty exec_id to every process of the container. */
export interface SignalProcessRequest {
  containerId: string;
  execId: string;
  signal: number;
}
export const SignalProcessRequest: MessageType<SignalProcessRequest> = /* @__PURE__ */ message('1:containerId:s 2:execId:s 3:signal:u');

/** Answered when the process has ended. */
export interface WaitProcessRequest {
  containerId: string;
  execId: string;
}
export const WaitProcessRequest: MessageType<WaitProcessRequest> = /* @__PURE__ */ message('1:containerId:s 2:execId:s');

/** The exit status, 128 + signal for a process that a signal ended. */
export interface WaitProcessResponse {
  status: number;
}
export const WaitProcessResponse: MessageType<WaitProcessResponse> = /* @__PURE__ */ message('1:status:i');

/** Set new cgroup limits. */
export interface UpdateContainerRequest {
  containerId: string;
  resources: LinuxResources | undefined;
}
export const UpdateContainerRequest: MessageType<UpdateContainerRequest> = /* @__PURE__ */ message('1:containerId:s 2:resources:m', () => [LinuxResources]);

/** Resize tmpfs mounts of the sandbox. */
export interface UpdateEphemeralMountsRequest {
  storages: Storage[];
}
export const UpdateEphemeralMountsRequest: MessageType<UpdateEphemeralMountsRequest> = /* @__PURE__ */ message('1:storages:m*', () => [Storage]);

/** Ask for a container's usage. */
export interface StatsContainerRequest {
  containerId: string;
}
export const StatsContainerRequest: MessageType<StatsContainerRequest> = /* @__PURE__ */ message('1:containerId:s');

/** Freeze all processes of a container. */
export interface PauseContainerRequest {
  containerId: string;
}
export const PauseContainerRequest: MessageType<PauseContainerRequest> = /* @__PURE__ */ message('1:containerId:s');

/** Thaw all processes of a container. */
export interface ResumeContainerRequest {
  containerId: string;
}
export const ResumeContainerRequest: MessageType<ResumeContainerRequest> = /* @__PURE__ */ message('1:containerId:s');

/** CPU time, in nanoseconds. */
export interface CpuUsage {
  totalUsage: bigint;
  percpuUsage: bigint[];
  usageInKernelmode: bigint;
  usageInUsermode: bigint;
}
export const CpuUsage: MessageType<CpuUsage> = /* @__PURE__ */ message('1:totalUsage:U 2:percpuUsage:U* 3:usageInKernelmode:U 4:usageInUsermode:U');

/** How often, and for how many nanoseconds, the CPU quota held the container back. */
export interface ThrottlingData {
  periods: bigint;
  throttledPeriods: bigint;
  throttledTime: bigint;
}
export const ThrottlingData: MessageType<ThrottlingData> = /* @__PURE__ */ message('1:periods:U 2:throttledPeriods:U 3:throttledTime:U');

/** The cpu controller's numbers. */
export interface CpuStats {
  cpuUsage: CpuUsage | undefined;
  throttlingData: ThrottlingData | undefined;
}
export const CpuStats: MessageType<CpuStats> = /* @__PURE__ */ message('1:cpuUsage:m 2:throttlingData:m', () => [CpuUsage, ThrottlingData]);

/** Number of processes, and the most allowed. */
export interface PidsStats {
  current: bigint;
  limit: bigint;
}
export const PidsStats: MessageType<PidsStats> = /* @__PURE__ */ message('1:current:U 2:limit:U');

/** One kind of memory, in bytes. */
export interface MemoryData {
  usage: bigint;
  maxUsage: bigint;
  failcnt: bigint;
  limit: bigint;
}
export const MemoryData: MessageType<MemoryData> = /* @__PURE__ */ message('1:usage:U 2:maxUsage:U 3:failcnt:U 4:limit:U');

/** The memory controller's numbers; stats holds memory.stat line by line. */
export interface MemoryStats {
  cache: bigint;
  usage: MemoryData | undefined;
  swapUsage: MemoryData | undefined;
  kernelUsage: MemoryData | undefined;
  useHierarchy: boolean;
  stats: { [key: string]: bigint };
}
export const MemoryStats: MessageType<MemoryStats> = /* @__PURE__ */ message('1:cache:U 2:usage:m 3:swapUsage:m 4:kernelUsage:m 5:useHierarchy:b 6:stats:U%', () => [MemoryData, MemoryData, MemoryData]);

/** One number about one block device and one kind of operation. */
export interface BlkioStatsEntry {
  major: bigint;
  minor: bigint;
  op: string;
  value: bigint;
}
export const BlkioStatsEntry: MessageType<BlkioStatsEntry> = /* @__PURE__ */ message('1:major:U 2:minor:U 3:op:s 4:value:U');

/** The io controller's numbers. */
export interface BlkioStats {
  ioServiceBytesRecursive: BlkioStatsEntry[];
  ioServicedRecursive: BlkioStatsEntry[];
  ioQueuedRecursive: BlkioStatsEntry[];
  ioServiceTimeRecursive: BlkioStatsEntry[];
  ioWaitTimeRecursive: BlkioStatsEntry[];
  ioMergedRecursive: BlkioStatsEntry[];
  ioTimeRecursive: BlkioStatsEntry[];
  sectorsRecursive: BlkioStatsEntry[];
}
export const BlkioStats: MessageType<BlkioStats> = /* @__PURE__ */ message('1:ioServiceBytesRecursive:m* 2:ioServicedRecursive:m* 3:ioQueuedRecursive:m* 4:ioServiceTimeRecursive:m* 5:ioWaitTimeRecursive:m* 6:ioMergedRecursive:m* 7:ioTimeRecursive:m* 8:sectorsRecursive:m*', () => [BlkioStatsEntry, BlkioStatsEntry, BlkioStatsEntry, BlkioStatsEntry, BlkioStatsEntry, BlkioStatsEntry, BlkioStatsEntry, BlkioStatsEntry]);

/** Huge pages of one size, in bytes. */
export interface HugetlbStats {
  usage: bigint;
  maxUsage: bigint;
  failcnt: bigint;
}
export const HugetlbStats: MessageType<HugetlbStats> = /* @__PURE__ */ message('1:usage:U 2:maxUsage:U 3:failcnt:U');

/** All controllers of one container; hugetlb_stats is keyed by page size, "2MB". */
export interface CgroupStats {
  cpuStats: CpuStats | undefined;
  memoryStats: MemoryStats | undefined;
  pidsStats: PidsStats | undefined;
  blkioStats: BlkioStats | undefined;
  hugetlbStats: { [key: string]: HugetlbStats };
}
export const CgroupStats: MessageType<CgroupStats> = /* @__PURE__ */ message('1:cpuStats:m 2:memoryStats:m 3:pidsStats:m 4:blkioStats:m 5:hugetlbStats:m%', () => [CpuStats, MemoryStats, PidsStats, BlkioStats, HugetlbStats]);

/** Counters of one network interface. */
export interface NetworkStats {
  name: string;
  rxBytes: bigint;
  rxPackets: bigint;
  rxErrors: bigint;
  rxDropped: bigint;
  txBytes: bigint;
  txPackets: bigint;
  txErrors: bigint;
  txDropped: bigint;
}
export const NetworkStats: MessageType<NetworkStats> = /* @__PURE__ */ message('1:name:s 2:rxBytes:U 3:rxPackets:U 4:rxErrors:U 5:rxDropped:U 6:txBytes:U 7:txPackets:U 8:txErrors:U 9:txDropped:U');

/** A container's usage. */
export interface StatsContainerResponse {
  cgroupStats: CgroupStats | undefined;
  networkStats: NetworkStats[];
}
export const StatsContainerResponse: MessageType<StatsContainerResponse> = /* @__PURE__ */ message('1:cgroupStats:m 2:networkStats:m*', () => [CgroupStats, NetworkStats]);

/** Bytes for a process's standard input. */
export interface WriteStreamRequest {
  containerId: string;
  execId: string;
  data: Uint8Array;
}
export const WriteStreamRequest: MessageType<WriteStreamRequest> = /* @__PURE__ */ message('1:containerId:s 2:execId:s 3:data:y');

/** How many of the bytes were taken. */
export interface WriteStreamResponse {
  len: number;
}
export const WriteStreamResponse: MessageType<WriteStreamResponse> = /* @__PURE__ */ message('1:len:u');

/** Ask for at most len bytes of a process's output; answered when there are some. */
export interface ReadStreamRequest {
  containerId: string;
  execId: string;
  len: number;
}
export const ReadStreamRequest: MessageType<ReadStreamRequest> = /* @__PURE__ */ message('1:containerId:s 2:execId:s 3:len:u');

/** Bytes of a process's output. */
export interface ReadStreamResponse {
  data: Uint8Array;
}
export const ReadStreamResponse: MessageType<ReadStreamResponse> = /* @__PURE__ */ message('1:data:y');

/** End a process's standard input. */
export interface CloseStdinRequest {
  containerId: string;
  execId: string;
}
export const CloseStdinRequest: MessageType<CloseStdinRequest> = /* @__PURE__ */ message('1:containerId:s 2:execId:s');

/** Give a process's terminal a new size. */
export interface TtyWinResizeRequest {
  containerId: string;
  execId: string;
  row: number;
  column: number;
}
export const TtyWinResizeRequest: MessageType<TtyWinResizeRequest> = /* @__PURE__ */ message('1:containerId:s 2:execId:s 3:row:u 4:column:u');

/** A kernel module for the guest to load. */
export interface KernelModule {
  name: string;
  parameters: string[];
}
export const KernelModule: MessageType<KernelModule> = /* @__PURE__ */ message('1:name:s 2:parameters:s*');

/** Set the guest up as a pod. */
export interface CreateSandboxRequest {
  hostname: string;
  /** Lines of /etc/resolv.conf. */
  dns: string[];
  storages: Storage[];
  sandboxPidns: boolean;
  sandboxId: string;
  guestHookPath: string;
  kernelModules: KernelModule[];
}
export const CreateSandboxRequest: MessageType<CreateSandboxRequest> = /* @__PURE__ */ message('1:hostname:s 2:dns:s* 3:storages:m* 4:sandboxPidns:b 5:sandboxId:s 6:guestHookPath:s 7:kernelModules:m*', () => [Storage, KernelModule]);

/** End the pod; the guest may power off. */
export interface DestroySandboxRequest {
}
export const DestroySandboxRequest: MessageType<DestroySandboxRequest> = /* @__PURE__ */ message('');

/** Unmount what a shared folder left behind. */
export interface RemoveStaleVirtiofsShareMountsRequest {
}
export const RemoveStaleVirtiofsShareMountsRequest: MessageType<RemoveStaleVirtiofsShareMountsRequest> = /* @__PURE__ */ message('');

/** A list of network interfaces. */
export interface Interfaces {
  Interfaces: Interface[];
}
export const Interfaces: MessageType<Interfaces> = /* @__PURE__ */ message('1:Interfaces:m*', () => [Interface]);

/** A list of routes. */
export interface Routes {
  Routes: Route[];
}
export const Routes: MessageType<Routes> = /* @__PURE__ */ message('1:Routes:m*', () => [Route]);

/** Set up one interface, found by its hardware address. */
export interface UpdateInterfaceRequest {
  interface: Interface | undefined;
}
export const UpdateInterfaceRequest: MessageType<UpdateInterfaceRequest> = /* @__PURE__ */ message('1:interface:m', () => [Interface]);

/** Replace the guest's routes. */
export interface UpdateRoutesRequest {
  routes: Routes | undefined;
}
export const UpdateRoutesRequest: MessageType<UpdateRoutesRequest> = /* @__PURE__ */ message('1:routes:m', () => [Routes]);

/** Ask for the guest's interfaces. */
export interface ListInterfacesRequest {
}
export const ListInterfacesRequest: MessageType<ListInterfacesRequest> = /* @__PURE__ */ message('');

/** Ask for the guest's routes. */
export interface ListRoutesRequest {
}
export const ListRoutesRequest: MessageType<ListRoutesRequest> = /* @__PURE__ */ message('');

/** A list of neighbours. */
export interface ARPNeighbors {
  ARPNeighbors: ARPNeighbor[];
}
export const ARPNeighbors: MessageType<ARPNeighbors> = /* @__PURE__ */ message('1:ARPNeighbors:m*', () => [ARPNeighbor]);

/** Add entries to the neighbour table. */
export interface AddARPNeighborsRequest {
  neighbors: ARPNeighbors | undefined;
}
export const AddARPNeighborsRequest: MessageType<AddARPNeighborsRequest> = /* @__PURE__ */ message('1:neighbors:m', () => [ARPNeighbors]);

/** Ask for the packet filter's rules. */
export interface GetIPTablesRequest {
  isIpv6: boolean;
}
export const GetIPTablesRequest: MessageType<GetIPTablesRequest> = /* @__PURE__ */ message('1:isIpv6:b');

/** Rules in the form of iptables-save. */
export interface GetIPTablesResponse {
  data: Uint8Array;
}
export const GetIPTablesResponse: MessageType<GetIPTablesResponse> = /* @__PURE__ */ message('1:data:y');

/** Rules in the form of iptables-restore. */
export interface SetIPTablesRequest {
  isIpv6: boolean;
  data: Uint8Array;
}
export const SetIPTablesRequest: MessageType<SetIPTablesRequest> = /* @__PURE__ */ message('1:isIpv6:b 2:data:y');

/** What iptables-restore said. */
export interface SetIPTablesResponse {
  data: Uint8Array;
}
export const SetIPTablesResponse: MessageType<SetIPTablesResponse> = /* @__PURE__ */ message('1:data:y');

/** Bring hot-plugged CPUs and memory online. */
export interface OnlineCPUMemRequest {
  wait: boolean;
  nbCpus: number;
  cpuOnly: boolean;
}
export const OnlineCPUMemRequest: MessageType<OnlineCPUMemRequest> = /* @__PURE__ */ message('1:wait:b 2:nbCpus:u 3:cpuOnly:b');

/** Entropy for the guest's random pool. */
export interface ReseedRandomDevRequest {
  data: Uint8Array;
}
export const ReseedRandomDevRequest: MessageType<ReseedRandomDevRequest> = /* @__PURE__ */ message('2:data:y');

/** What this agent is and can do. */
export interface AgentDetails {
  version: string;
  initDaemon: boolean;
  deviceHandlers: string[];
  storageHandlers: string[];
  supportsSeccomp: boolean;
  extraFeatures: string[];
}
export const AgentDetails: MessageType<AgentDetails> = /* @__PURE__ */ message('1:version:s 2:initDaemon:b 3:deviceHandlers:s* 4:storageHandlers:s* 5:supportsSeccomp:b 6:extraFeatures:s*');

/** Which details are wanted. */
export interface GuestDetailsRequest {
  memBlockSize: boolean;
  memHotplugProbe: boolean;
}
export const GuestDetailsRequest: MessageType<GuestDetailsRequest> = /* @__PURE__ */ message('1:memBlockSize:b 2:memHotplugProbe:b');

/** The guest's details. */
export interface GuestDetailsResponse {
  memBlockSizeBytes: bigint;
  agentDetails: AgentDetails | undefined;
  supportMemHotplugProbe: boolean;
}
export const GuestDetailsResponse: MessageType<GuestDetailsResponse> = /* @__PURE__ */ message('1:memBlockSizeBytes:U 2:agentDetails:m 3:supportMemHotplugProbe:b', () => [AgentDetails]);

/** Tell the kernel of hot-plugged memory, where it doesn't notice by itself. */
export interface MemHotplugByProbeRequest {
  memHotplugProbeAddr: bigint[];
}
export const MemHotplugByProbeRequest: MessageType<MemHotplugByProbeRequest> = /* @__PURE__ */ message('1:memHotplugProbeAddr:U*');

/** Set the guest's clock, since 1970. */
export interface SetGuestDateTimeRequest {
  Sec: bigint;
  Usec: bigint;
}
export const SetGuestDateTimeRequest: MessageType<SetGuestDateTimeRequest> = /* @__PURE__ */ message('1:Sec:I 2:Usec:I');

/** Give a volume to a group. */
export interface FSGroup {
  groupId: number;
  groupChangePolicy: FSGroupChangePolicy;
}
export const FSGroup: MessageType<FSGroup> = /* @__PURE__ */ message('2:groupId:u 3:groupChangePolicy:e');

/** A folder of one container shown in another. */
export interface SharedMount {
  name: string;
  srcCtr: string;
  srcPath: string;
  dstCtr: string;
  dstPath: string;
}
export const SharedMount: MessageType<SharedMount> = /* @__PURE__ */ message('1:name:s 2:srcCtr:s 3:srcPath:s 4:dstCtr:s 5:dstPath:s');

/** Something for the agent to mount; driver says how source is found. */
export interface Storage {
  driver: string;
  driverOptions: string[];
  source: string;
  fstype: string;
  options: string[];
  mountPoint: string;
  fsGroup: FSGroup | undefined;
  shared: boolean;
}
export const Storage: MessageType<Storage> = /* @__PURE__ */ message('1:driver:s 2:driverOptions:s* 3:source:s 4:fstype:s 5:options:s* 6:mountPoint:s 7:fsGroup:m 8:shared:b', () => [FSGroup]);

/** A device of the guest for a container; type says how vm_path is found. */
export interface Device {
  id: string;
  type: string;
  vmPath: string;
  containerPath: string;
  options: string[];
}
export const Device: MessageType<Device> = /* @__PURE__ */ message('1:id:s 2:type:s 3:vmPath:s 4:containerPath:s 5:options:s*');

/** A user by name, looked up in the container's root. */
export interface StringUser {
  uid: string;
  gid: string;
  additionalGids: string[];
}
export const StringUser: MessageType<StringUser> = /* @__PURE__ */ message('1:uid:s 2:gid:s 3:additionalGids:s*');

/** A piece of a file, folder or symlink (by file_mode) for the guest's shared folder. */
export interface CopyFileRequest {
  path: string;
  fileSize: bigint;
  fileMode: number;
  dirMode: number;
  uid: number;
  gid: number;
  offset: bigint;
  data: Uint8Array;
}
export const CopyFileRequest: MessageType<CopyFileRequest> = /* @__PURE__ */ message('1:path:s 2:fileSize:I 3:fileMode:u 4:dirMode:u 5:uid:i 6:gid:i 7:offset:I 8:data:y');

/** Answered when a container next runs out of memory. */
export interface GetOOMEventRequest {
}
export const GetOOMEventRequest: MessageType<GetOOMEventRequest> = /* @__PURE__ */ message('');

/** The container that ran out of memory. */
export interface OOMEvent {
  containerId: string;
}
export const OOMEvent: MessageType<OOMEvent> = /* @__PURE__ */ message('1:containerId:s');

/** Swap on a disk, by its PCI path. */
export interface AddSwapRequest {
  PCIPath: number[];
}
export const AddSwapRequest: MessageType<AddSwapRequest> = /* @__PURE__ */ message('1:PCIPath:u*');

/** Swap on a disk, by its device node. */
export interface AddSwapPathRequest {
  path: string;
}
export const AddSwapPathRequest: MessageType<AddSwapPathRequest> = /* @__PURE__ */ message('1:path:s');

/** Ask for the guest's metrics. */
export interface GetMetricsRequest {
}
export const GetMetricsRequest: MessageType<GetMetricsRequest> = /* @__PURE__ */ message('');

/** Metrics in Prometheus' text form. */
export interface Metrics {
  metrics: string;
}
export const Metrics: MessageType<Metrics> = /* @__PURE__ */ message('1:metrics:s');

/** Ask for a volume's usage. */
export interface VolumeStatsRequest {
  volumeGuestPath: string;
}
export const VolumeStatsRequest: MessageType<VolumeStatsRequest> = /* @__PURE__ */ message('1:volumeGuestPath:s');

/** Usage and health of a volume. */
export interface VolumeStatsResponse {
  usage: VolumeUsage[];
  volumeCondition: VolumeCondition | undefined;
}
export const VolumeStatsResponse: MessageType<VolumeStatsResponse> = /* @__PURE__ */ message('1:usage:m* 2:volumeCondition:m', () => [VolumeUsage, VolumeCondition]);

/** One measure of a volume. */
export interface VolumeUsage {
  available: bigint;
  total: bigint;
  used: bigint;
  unit: VolumeUsage_Unit;
}
export const VolumeUsage: MessageType<VolumeUsage> = /* @__PURE__ */ message('1:available:U 2:total:U 3:used:U 4:unit:e');

/** What the numbers count. */
export const VolumeUsage_Unit = { UNKNOWN: 0, BYTES: 1, INODES: 2 } as const;
export type VolumeUsage_Unit = (typeof VolumeUsage_Unit)[keyof typeof VolumeUsage_Unit];

/** Whether a volume is well. */
export interface VolumeCondition {
  abnormal: boolean;
  message: string;
}
export const VolumeCondition: MessageType<VolumeCondition> = /* @__PURE__ */ message('1:abnormal:b 2:message:s');

/** Grow a volume's file system to size bytes. */
export interface ResizeVolumeRequest {
  volumeGuestPath: string;
  size: bigint;
}
export const ResizeVolumeRequest: MessageType<ResizeVolumeRequest> = /* @__PURE__ */ message('1:volumeGuestPath:s 2:size:U');

/** A policy, as Rego text, for the requests that follow. */
export interface SetPolicyRequest {
  policy: string;
}
export const SetPolicyRequest: MessageType<SetPolicyRequest> = /* @__PURE__ */ message('1:policy:s');

/** Ask for a log, "termination_log" of a container. */
export interface GetDiagnosticDataRequest {
  logType: string;
  containerId: string;
}
export const GetDiagnosticDataRequest: MessageType<GetDiagnosticDataRequest> = /* @__PURE__ */ message('1:logType:s 2:containerId:s');

/** The log asked for. */
export interface GetDiagnosticDataResponse {
  data: string;
}
export const GetDiagnosticDataResponse: MessageType<GetDiagnosticDataResponse> = /* @__PURE__ */ message('1:data:s');

/** How the memory agent reclaims cold memory; what is left out stays as it is. */
export interface MemAgentMemcgConfig {
  disabled: boolean | undefined;
  swap: boolean | undefined;
  swappinessMax: number | undefined;
  periodSecs: bigint | undefined;
  periodPsiPercentLimit: number | undefined;
  evictionPsiPercentLimit: number | undefined;
  evictionRunAgingCountMin: bigint | undefined;
}
export const MemAgentMemcgConfig: MessageType<MemAgentMemcgConfig> = /* @__PURE__ */ message('1:disabled:b? 2:swap:b? 3:swappinessMax:u? 4:periodSecs:U? 5:periodPsiPercentLimit:u? 6:evictionPsiPercentLimit:u? 7:evictionRunAgingCountMin:U?');

/** How the memory agent compacts free memory; what is left out stays as it is. */
export interface MemAgentCompactConfig {
  disabled: boolean | undefined;
  periodSecs: bigint | undefined;
  periodPsiPercentLimit: number | undefined;
  compactPsiPercentLimit: number | undefined;
  compactSecMax: bigint | undefined;
  compactOrder: number | undefined;
  compactThreshold: bigint | undefined;
  compactForceTimes: bigint | undefined;
}
export const MemAgentCompactConfig: MessageType<MemAgentCompactConfig> = /* @__PURE__ */ message('1:disabled:b? 2:periodSecs:U? 3:periodPsiPercentLimit:u? 4:compactPsiPercentLimit:u? 5:compactSecMax:I? 6:compactOrder:u? 7:compactThreshold:U? 8:compactForceTimes:U?');

/** What the host asks of the agent inside the guest. */
export const AgentServiceDefinition = {
  fullName: 'grpc.AgentService',
  methods: {
    createContainer: { name: 'CreateContainer', requestType: CreateContainerRequest, responseType: ProcessPid },
    startContainer: { name: 'StartContainer', requestType: StartContainerRequest, responseType: Empty },
    removeContainer: { name: 'RemoveContainer', requestType: RemoveContainerRequest, responseType: Empty },
    execProcess: { name: 'ExecProcess', requestType: ExecProcessRequest, responseType: ProcessPid },
    signalProcess: { name: 'SignalProcess', requestType: SignalProcessRequest, responseType: Empty },
    waitProcess: { name: 'WaitProcess', requestType: WaitProcessRequest, responseType: WaitProcessResponse },
    updateContainer: { name: 'UpdateContainer', requestType: UpdateContainerRequest, responseType: Empty },
    updateEphemeralMounts: { name: 'UpdateEphemeralMounts', requestType: UpdateEphemeralMountsRequest, responseType: Empty },
    statsContainer: { name: 'StatsContainer', requestType: StatsContainerRequest, responseType: StatsContainerResponse },
    pauseContainer: { name: 'PauseContainer', requestType: PauseContainerRequest, responseType: Empty },
    resumeContainer: { name: 'ResumeContainer', requestType: ResumeContainerRequest, responseType: Empty },
    removeStaleVirtiofsShareMounts: { name: 'RemoveStaleVirtiofsShareMounts', requestType: RemoveStaleVirtiofsShareMountsRequest, responseType: Empty },
    getDiagnosticData: { name: 'GetDiagnosticData', requestType: GetDiagnosticDataRequest, responseType: GetDiagnosticDataResponse },
    writeStdin: { name: 'WriteStdin', requestType: WriteStreamRequest, responseType: WriteStreamResponse },
    readStdout: { name: 'ReadStdout', requestType: ReadStreamRequest, responseType: ReadStreamResponse },
    readStderr: { name: 'ReadStderr', requestType: ReadStreamRequest, responseType: ReadStreamResponse },
    closeStdin: { name: 'CloseStdin', requestType: CloseStdinRequest, responseType: Empty },
    ttyWinResize: { name: 'TtyWinResize', requestType: TtyWinResizeRequest, responseType: Empty },
    updateInterface: { name: 'UpdateInterface', requestType: UpdateInterfaceRequest, responseType: Interface },
    updateRoutes: { name: 'UpdateRoutes', requestType: UpdateRoutesRequest, responseType: Routes },
    listInterfaces: { name: 'ListInterfaces', requestType: ListInterfacesRequest, responseType: Interfaces },
    listRoutes: { name: 'ListRoutes', requestType: ListRoutesRequest, responseType: Routes },
    addARPNeighbors: { name: 'AddARPNeighbors', requestType: AddARPNeighborsRequest, responseType: Empty },
    getIPTables: { name: 'GetIPTables', requestType: GetIPTablesRequest, responseType: GetIPTablesResponse },
    setIPTables: { name: 'SetIPTables', requestType: SetIPTablesRequest, responseType: SetIPTablesResponse },
    getMetrics: { name: 'GetMetrics', requestType: GetMetricsRequest, responseType: Metrics },
    memAgentMemcgSet: { name: 'MemAgentMemcgSet', requestType: MemAgentMemcgConfig, responseType: Empty },
    memAgentCompactSet: { name: 'MemAgentCompactSet', requestType: MemAgentCompactConfig, responseType: Empty },
    createSandbox: { name: 'CreateSandbox', requestType: CreateSandboxRequest, responseType: Empty },
    destroySandbox: { name: 'DestroySandbox', requestType: DestroySandboxRequest, responseType: Empty },
    onlineCPUMem: { name: 'OnlineCPUMem', requestType: OnlineCPUMemRequest, responseType: Empty },
    reseedRandomDev: { name: 'ReseedRandomDev', requestType: ReseedRandomDevRequest, responseType: Empty },
    getGuestDetails: { name: 'GetGuestDetails', requestType: GuestDetailsRequest, responseType: GuestDetailsResponse },
    memHotplugByProbe: { name: 'MemHotplugByProbe', requestType: MemHotplugByProbeRequest, responseType: Empty },
    setGuestDateTime: { name: 'SetGuestDateTime', requestType: SetGuestDateTimeRequest, responseType: Empty },
    copyFile: { name: 'CopyFile', requestType: CopyFileRequest, responseType: Empty },
    getOOMEvent: { name: 'GetOOMEvent', requestType: GetOOMEventRequest, responseType: OOMEvent },
    addSwap: { name: 'AddSwap', requestType: AddSwapRequest, responseType: Empty },
    addSwapPath: { name: 'AddSwapPath', requestType: AddSwapPathRequest, responseType: Empty },
    getVolumeStats: { name: 'GetVolumeStats', requestType: VolumeStatsRequest, responseType: VolumeStatsResponse },
    resizeVolume: { name: 'ResizeVolume', requestType: ResizeVolumeRequest, responseType: Empty },
    setPolicy: { name: 'SetPolicy', requestType: SetPolicyRequest, responseType: Empty },
  },
} as const;
export type AgentServiceDefinition = typeof AgentServiceDefinition;
