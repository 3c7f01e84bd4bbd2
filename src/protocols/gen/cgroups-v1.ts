// Made of cgroups-v1.proto by `npm run generate`. Do not edit.
import { type MessageType, message } from '../codec.ts';

/** All controllers. Times in nanoseconds, sizes in bytes. */
export interface Metrics {
  hugetlb: HugetlbStat[];
  pids: PidsStat | undefined;
  cpu: CPUStat | undefined;
  memory: MemoryStat | undefined;
  blkio: BlkIOStat | undefined;
  rdma: RdmaStat | undefined;
  network: NetworkStat[];
  cgroupStats: CgroupStats | undefined;
  memoryOomControl: MemoryOomControl | undefined;
}
export const Metrics: MessageType<Metrics> = /* @__PURE__ */ message('1:hugetlb:m* 2:pids:m 3:cpu:m 4:memory:m 5:blkio:m 6:rdma:m 7:network:m* 8:cgroupStats:m 9:memoryOomControl:m', () => [HugetlbStat, PidsStat, CPUStat, MemoryStat, BlkIOStat, RdmaStat, NetworkStat, CgroupStats, MemoryOomControl]);

/** Huge pages of one size. */
export interface HugetlbStat {
  usage: bigint;
  max: bigint;
  failcnt: bigint;
  pagesize: string;
}
export const HugetlbStat: MessageType<HugetlbStat> = /* @__PURE__ */ message('1:usage:U 2:max:U 3:failcnt:U 4:pagesize:s');

/** Number of processes. */
export interface PidsStat {
  current: bigint;
  limit: bigint;
}
export const PidsStat: MessageType<PidsStat> = /* @__PURE__ */ message('1:current:U 2:limit:U');

/** CPU time and throttling. */
export interface CPUStat {
  usage: CPUUsage | undefined;
  throttling: Throttle | undefined;
}
export const CPUStat: MessageType<CPUStat> = /* @__PURE__ */ message('1:usage:m 2:throttling:m', () => [CPUUsage, Throttle]);

/** CPU time. */
export interface CPUUsage {
  total: bigint;
  kernel: bigint;
  user: bigint;
  perCpu: bigint[];
}
export const CPUUsage: MessageType<CPUUsage> = /* @__PURE__ */ message('1:total:U 2:kernel:U 3:user:U 4:perCpu:U*');

/** How often the quota held the task back. */
export interface Throttle {
  periods: bigint;
  throttledPeriods: bigint;
  throttledTime: bigint;
}
export const Throttle: MessageType<Throttle> = /* @__PURE__ */ message('1:periods:U 2:throttledPeriods:U 3:throttledTime:U');

/** Lines of memory.stat, and the four counters. */
export interface MemoryStat {
  cache: bigint;
  rss: bigint;
  rssHuge: bigint;
  mappedFile: bigint;
  dirty: bigint;
  writeback: bigint;
  pgPgIn: bigint;
  pgPgOut: bigint;
  pgFault: bigint;
  pgMajFault: bigint;
  inactiveAnon: bigint;
  activeAnon: bigint;
  inactiveFile: bigint;
  activeFile: bigint;
  unevictable: bigint;
  hierarchicalMemoryLimit: bigint;
  hierarchicalSwapLimit: bigint;
  totalCache: bigint;
  totalRss: bigint;
  totalRssHuge: bigint;
  totalMappedFile: bigint;
  totalDirty: bigint;
  totalWriteback: bigint;
  totalPgPgIn: bigint;
  totalPgPgOut: bigint;
  totalPgFault: bigint;
  totalPgMajFault: bigint;
  totalInactiveAnon: bigint;
  totalActiveAnon: bigint;
  totalInactiveFile: bigint;
  totalActiveFile: bigint;
  totalUnevictable: bigint;
  usage: MemoryEntry | undefined;
  swap: MemoryEntry | undefined;
  kernel: MemoryEntry | undefined;
  kernelTcp: MemoryEntry | undefined;
}
export const MemoryStat: MessageType<MemoryStat> = /* @__PURE__ */ message('1:cache:U 2:rss:U 3:rssHuge:U 4:mappedFile:U 5:dirty:U 6:writeback:U 7:pgPgIn:U 8:pgPgOut:U 9:pgFault:U 10:pgMajFault:U 11:inactiveAnon:U 12:activeAnon:U 13:inactiveFile:U 14:activeFile:U 15:unevictable:U 16:hierarchicalMemoryLimit:U 17:hierarchicalSwapLimit:U 18:totalCache:U 19:totalRss:U 20:totalRssHuge:U 21:totalMappedFile:U 22:totalDirty:U 23:totalWriteback:U 24:totalPgPgIn:U 25:totalPgPgOut:U 26:totalPgFault:U 27:totalPgMajFault:U 28:totalInactiveAnon:U 29:totalActiveAnon:U 30:totalInactiveFile:U 31:totalActiveFile:U 32:totalUnevictable:U 33:usage:m 34:swap:m 35:kernel:m 36:kernelTcp:m', () => [MemoryEntry, MemoryEntry, MemoryEntry, MemoryEntry]);

/** One counter of memory. */
export interface MemoryEntry {
  limit: bigint;
  usage: bigint;
  max: bigint;
  failcnt: bigint;
}
export const MemoryEntry: MessageType<MemoryEntry> = /* @__PURE__ */ message('1:limit:U 2:usage:U 3:max:U 4:failcnt:U');

/** memory.oom_control. */
export interface MemoryOomControl {
  oomKillDisable: bigint;
  underOom: bigint;
  oomKill: bigint;
}
export const MemoryOomControl: MessageType<MemoryOomControl> = /* @__PURE__ */ message('1:oomKillDisable:U 2:underOom:U 3:oomKill:U');

/** Block input and output. */
export interface BlkIOStat {
  ioServiceBytesRecursive: BlkIOEntry[];
  ioServicedRecursive: BlkIOEntry[];
  ioQueuedRecursive: BlkIOEntry[];
  ioServiceTimeRecursive: BlkIOEntry[];
  ioWaitTimeRecursive: BlkIOEntry[];
  ioMergedRecursive: BlkIOEntry[];
  ioTimeRecursive: BlkIOEntry[];
  sectorsRecursive: BlkIOEntry[];
}
export const BlkIOStat: MessageType<BlkIOStat> = /* @__PURE__ */ message('1:ioServiceBytesRecursive:m* 2:ioServicedRecursive:m* 3:ioQueuedRecursive:m* 4:ioServiceTimeRecursive:m* 5:ioWaitTimeRecursive:m* 6:ioMergedRecursive:m* 7:ioTimeRecursive:m* 8:sectorsRecursive:m*', () => [BlkIOEntry, BlkIOEntry, BlkIOEntry, BlkIOEntry, BlkIOEntry, BlkIOEntry, BlkIOEntry, BlkIOEntry]);

/** One number about one device and one kind of operation. */
export interface BlkIOEntry {
  op: string;
  device: string;
  major: bigint;
  minor: bigint;
  value: bigint;
}
export const BlkIOEntry: MessageType<BlkIOEntry> = /* @__PURE__ */ message('1:op:s 2:device:s 3:major:U 4:minor:U 5:value:U');

/** RDMA use and limits. */
export interface RdmaStat {
  current: RdmaEntry[];
  limit: RdmaEntry[];
}
export const RdmaStat: MessageType<RdmaStat> = /* @__PURE__ */ message('1:current:m* 2:limit:m*', () => [RdmaEntry, RdmaEntry]);

/** One RDMA device. */
export interface RdmaEntry {
  device: string;
  hcaHandles: number;
  hcaObjects: number;
}
export const RdmaEntry: MessageType<RdmaEntry> = /* @__PURE__ */ message('1:device:s 2:hcaHandles:u 3:hcaObjects:u');

/** Counters of one network interface. */
export interface NetworkStat {
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
export const NetworkStat: MessageType<NetworkStat> = /* @__PURE__ */ message('1:name:s 2:rxBytes:U 3:rxPackets:U 4:rxErrors:U 5:rxDropped:U 6:txBytes:U 7:txPackets:U 8:txErrors:U 9:txDropped:U');

/** How many processes are in which state. */
export interface CgroupStats {
  nrSleeping: bigint;
  nrRunning: bigint;
  nrStopped: bigint;
  nrUninterruptible: bigint;
  nrIoWait: bigint;
}
export const CgroupStats: MessageType<CgroupStats> = /* @__PURE__ */ message('1:nrSleeping:U 2:nrRunning:U 3:nrStopped:U 4:nrUninterruptible:U 5:nrIoWait:U');
