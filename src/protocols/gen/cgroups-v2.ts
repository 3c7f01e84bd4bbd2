// Made of cgroups-v2.proto by `npm run generate`. Do not edit.
import { type MessageType, message } from '../codec.ts';

/** All controllers. Times in microseconds, sizes in bytes. */
export interface Metrics {
  pids: PidsStat | undefined;
  cpu: CPUStat | undefined;
  memory: MemoryStat | undefined;
  rdma: RdmaStat | undefined;
  io: IOStat | undefined;
  hugetlb: HugeTlbStat[];
  memoryEvents: MemoryEvents | undefined;
  network: NetworkStat[];
}
export const Metrics: MessageType<Metrics> = /* @__PURE__ */ message('1:pids:m 2:cpu:m 4:memory:m 5:rdma:m 6:io:m 7:hugetlb:m* 8:memoryEvents:m 9:network:m*', () => [PidsStat, CPUStat, MemoryStat, RdmaStat, IOStat, HugeTlbStat, MemoryEvents, NetworkStat]);

/** One line of a pressure file. */
export interface PSIData {
  avg10: number;
  avg60: number;
  avg300: number;
  total: bigint;
}
export const PSIData: MessageType<PSIData> = /* @__PURE__ */ message('1:avg10:d 2:avg60:d 3:avg300:d 4:total:U');

/** A pressure file. */
export interface PSIStats {
  some: PSIData | undefined;
  full: PSIData | undefined;
}
export const PSIStats: MessageType<PSIStats> = /* @__PURE__ */ message('1:some:m 2:full:m', () => [PSIData, PSIData]);

/** Number of processes. */
export interface PidsStat {
  current: bigint;
  limit: bigint;
}
export const PidsStat: MessageType<PidsStat> = /* @__PURE__ */ message('1:current:U 2:limit:U');

/** cpu.stat. */
export interface CPUStat {
  usageUsec: bigint;
  userUsec: bigint;
  systemUsec: bigint;
  nrPeriods: bigint;
  nrThrottled: bigint;
  throttledUsec: bigint;
  psi: PSIStats | undefined;
  nrBursts: bigint;
  burstUsec: bigint;
}
export const CPUStat: MessageType<CPUStat> = /* @__PURE__ */ message('1:usageUsec:U 2:userUsec:U 3:systemUsec:U 4:nrPeriods:U 5:nrThrottled:U 6:throttledUsec:U 7:psi:m 8:nrBursts:U 9:burstUsec:U', () => [PSIStats]);

/** memory.stat, and the memory files that hold one number. */
export interface MemoryStat {
  anon: bigint;
  file: bigint;
  kernelStack: bigint;
  slab: bigint;
  sock: bigint;
  shmem: bigint;
  fileMapped: bigint;
  fileDirty: bigint;
  fileWriteback: bigint;
  anonThp: bigint;
  inactiveAnon: bigint;
  activeAnon: bigint;
  inactiveFile: bigint;
  activeFile: bigint;
  unevictable: bigint;
  slabReclaimable: bigint;
  slabUnreclaimable: bigint;
  pgfault: bigint;
  pgmajfault: bigint;
  workingsetRefault: bigint;
  workingsetActivate: bigint;
  workingsetNodereclaim: bigint;
  pgrefill: bigint;
  pgscan: bigint;
  pgsteal: bigint;
  pgactivate: bigint;
  pgdeactivate: bigint;
  pglazyfree: bigint;
  pglazyfreed: bigint;
  thpFaultAlloc: bigint;
  thpCollapseAlloc: bigint;
  usage: bigint;
  usageLimit: bigint;
  swapUsage: bigint;
  swapLimit: bigint;
  maxUsage: bigint;
  swapMaxUsage: bigint;
  psi: PSIStats | undefined;
  workingsetRefaultAnon: bigint;
  workingsetRefaultFile: bigint;
  workingsetActivateAnon: bigint;
  workingsetActivateFile: bigint;
}
export const MemoryStat: MessageType<MemoryStat> = /* @__PURE__ */ message('1:anon:U 2:file:U 3:kernelStack:U 4:slab:U 5:sock:U 6:shmem:U 7:fileMapped:U 8:fileDirty:U 9:fileWriteback:U 10:anonThp:U 11:inactiveAnon:U 12:activeAnon:U 13:inactiveFile:U 14:activeFile:U 15:unevictable:U 16:slabReclaimable:U 17:slabUnreclaimable:U 18:pgfault:U 19:pgmajfault:U 20:workingsetRefault:U 21:workingsetActivate:U 22:workingsetNodereclaim:U 23:pgrefill:U 24:pgscan:U 25:pgsteal:U 26:pgactivate:U 27:pgdeactivate:U 28:pglazyfree:U 29:pglazyfreed:U 30:thpFaultAlloc:U 31:thpCollapseAlloc:U 32:usage:U 33:usageLimit:U 34:swapUsage:U 35:swapLimit:U 36:maxUsage:U 37:swapMaxUsage:U 38:psi:m 39:workingsetRefaultAnon:U 40:workingsetRefaultFile:U 41:workingsetActivateAnon:U 42:workingsetActivateFile:U', () => [PSIStats]);

/** memory.events. */
export interface MemoryEvents {
  low: bigint;
  high: bigint;
  max: bigint;
  oom: bigint;
  oomKill: bigint;
  oomGroupKill: bigint;
}
export const MemoryEvents: MessageType<MemoryEvents> = /* @__PURE__ */ message('1:low:U 2:high:U 3:max:U 4:oom:U 5:oomKill:U 6:oomGroupKill:U');

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

/** io.stat, and its pressure. */
export interface IOStat {
  usage: IOEntry[];
  psi: PSIStats | undefined;
}
export const IOStat: MessageType<IOStat> = /* @__PURE__ */ message('1:usage:m* 2:psi:m', () => [IOEntry, PSIStats]);

/** One line of io.stat. */
export interface IOEntry {
  major: bigint;
  minor: bigint;
  rbytes: bigint;
  wbytes: bigint;
  rios: bigint;
  wios: bigint;
}
export const IOEntry: MessageType<IOEntry> = /* @__PURE__ */ message('1:major:U 2:minor:U 3:rbytes:U 4:wbytes:U 5:rios:U 6:wios:U');

/** Huge pages of one size. */
export interface HugeTlbStat {
  current: bigint;
  max: bigint;
  pagesize: string;
  failcnt: bigint;
}
export const HugeTlbStat: MessageType<HugeTlbStat> = /* @__PURE__ */ message('1:current:U 2:max:U 3:pagesize:s 4:failcnt:U');

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
