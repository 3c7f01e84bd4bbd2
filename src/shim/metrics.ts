import { statfs } from '../os/stat.ts';
import type { BlkioStatsEntry, NetworkStats, StatsContainerResponse } from '../protocols/gen/agent.ts';
import { Metrics as MetricsV1 } from '../protocols/gen/cgroups-v1.ts';
import { Metrics as MetricsV2 } from '../protocols/gen/cgroups-v2.ts';
import type { Any } from '../protocols/gen/google/protobuf/any.ts';

const CGROUP2_MAGIC = 0x63677270;
const NS_PER_US = 1000n;

/**
 * The guest's numbers in the type that this host's containerd expects: of cgroups v2 where the host's hierarchy is
 * unified, else of v1. The agent counts time in nanoseconds.
 */
export function metricsOf(stats: StatsContainerResponse): Any {
  return statfs('/sys/fs/cgroup').type === CGROUP2_MAGIC
    ? { typeUrl: 'io.containerd.cgroups.v2.Metrics', value: MetricsV2.encode(metricsV2(stats)).finish() }
    : { typeUrl: 'io.containerd.cgroups.v1.Metrics', value: MetricsV1.encode(metricsV1(stats)).finish() };
}

export function metricsV1({ cgroupStats, networkStats }: StatsContainerResponse): MetricsV1 {
  const { cpuStats, memoryStats, pidsStats, blkioStats, hugetlbStats = {} } = cgroupStats ?? {};
  const memory = memoryStats?.stats ?? {};
  const entry = (data: { usage: bigint; maxUsage: bigint; failcnt: bigint; limit: bigint } | undefined) =>
    data && { usage: data.usage, max: data.maxUsage, failcnt: data.failcnt, limit: data.limit };
  return MetricsV1.create({
    hugetlb: Object.entries(hugetlbStats).map(([pagesize, { usage, maxUsage, failcnt }]) => ({
      pagesize,
      usage,
      max: maxUsage,
      failcnt,
    })),
    pids: pidsStats,
    cpu: cpuStats && {
      usage: cpuStats.cpuUsage && {
        total: cpuStats.cpuUsage.totalUsage,
        kernel: cpuStats.cpuUsage.usageInKernelmode,
        user: cpuStats.cpuUsage.usageInUsermode,
        perCpu: cpuStats.cpuUsage.percpuUsage,
      },
      throttling: cpuStats.throttlingData,
    },
    memory: memoryStats && {
      cache: memoryStats.cache,
      rss: memory.anon ?? memory.rss ?? 0n,
      mappedFile: memory.file_mapped ?? 0n,
      dirty: memory.file_dirty ?? 0n,
      writeback: memory.file_writeback ?? 0n,
      pgFault: memory.pgfault ?? 0n,
      pgMajFault: memory.pgmajfault ?? 0n,
      inactiveAnon: memory.inactive_anon ?? 0n,
      activeAnon: memory.active_anon ?? 0n,
      inactiveFile: memory.inactive_file ?? 0n,
      activeFile: memory.active_file ?? 0n,
      unevictable: memory.unevictable ?? 0n,
      totalInactiveFile: memory.inactive_file ?? 0n,
      usage: entry(memoryStats.usage),
      swap: entry(memoryStats.swapUsage),
      kernel: entry(memoryStats.kernelUsage),
    },
    blkio: blkioStats && {
      ioServiceBytesRecursive: blkioStats.ioServiceBytesRecursive,
      ioServicedRecursive: blkioStats.ioServicedRecursive,
    },
    network: networkStats.map(network),
  });
}

export function metricsV2({ cgroupStats, networkStats }: StatsContainerResponse): MetricsV2 {
  const { cpuStats, memoryStats, pidsStats, blkioStats, hugetlbStats = {} } = cgroupStats ?? {};
  const memory = memoryStats?.stats ?? {};
  return MetricsV2.create({
    pids: pidsStats,
    cpu: cpuStats && {
      usageUsec: (cpuStats.cpuUsage?.totalUsage ?? 0n) / NS_PER_US,
      userUsec: (cpuStats.cpuUsage?.usageInUsermode ?? 0n) / NS_PER_US,
      systemUsec: (cpuStats.cpuUsage?.usageInKernelmode ?? 0n) / NS_PER_US,
      nrPeriods: cpuStats.throttlingData?.periods ?? 0n,
      nrThrottled: cpuStats.throttlingData?.throttledPeriods ?? 0n,
      throttledUsec: (cpuStats.throttlingData?.throttledTime ?? 0n) / NS_PER_US,
    },
    memory: memoryStats && {
      anon: memory.anon ?? 0n,
      file: memory.file ?? memoryStats.cache,
      kernelStack: memory.kernel_stack ?? 0n,
      slab: memory.slab ?? 0n,
      sock: memory.sock ?? 0n,
      shmem: memory.shmem ?? 0n,
      fileMapped: memory.file_mapped ?? 0n,
      fileDirty: memory.file_dirty ?? 0n,
      fileWriteback: memory.file_writeback ?? 0n,
      inactiveAnon: memory.inactive_anon ?? 0n,
      activeAnon: memory.active_anon ?? 0n,
      inactiveFile: memory.inactive_file ?? 0n,
      activeFile: memory.active_file ?? 0n,
      unevictable: memory.unevictable ?? 0n,
      pgfault: memory.pgfault ?? 0n,
      pgmajfault: memory.pgmajfault ?? 0n,
      usage: memoryStats.usage?.usage ?? 0n,
      usageLimit: memoryStats.usage?.limit ?? 0n,
      swapUsage: memoryStats.swapUsage?.usage ?? 0n,
      swapLimit: memoryStats.swapUsage?.limit ?? 0n,
    },
    io: blkioStats && { usage: ioEntries(blkioStats.ioServiceBytesRecursive, blkioStats.ioServicedRecursive) },
    hugetlb: Object.entries(hugetlbStats).map(([pagesize, { usage, maxUsage, failcnt }]) => ({
      pagesize,
      current: usage,
      max: maxUsage,
      failcnt,
    })),
    network: networkStats.map(network),
  });
}

/** v1 counts an operation a line, v2 a device a line. */
function ioEntries(bytes: readonly BlkioStatsEntry[], operations: readonly BlkioStatsEntry[]) {
  const entries = new Map<
    string,
    { major: bigint; minor: bigint } & Record<'rbytes' | 'wbytes' | 'rios' | 'wios', bigint>
  >();
  const add = (from: readonly BlkioStatsEntry[], reads: 'rbytes' | 'rios', writes: 'wbytes' | 'wios'): void => {
    for (const { major, minor, op, value } of from) {
      const key = `${major}:${minor}`;
      const entry = entries.get(key) ?? { major, minor, rbytes: 0n, wbytes: 0n, rios: 0n, wios: 0n };
      if (op.toLowerCase() === 'read') entry[reads] += value;
      if (op.toLowerCase() === 'write') entry[writes] += value;
      entries.set(key, entry);
    }
  };
  add(bytes, 'rbytes', 'wbytes');
  add(operations, 'rios', 'wios');
  return [...entries.values()];
}

function network(of: NetworkStats) {
  const { name, rxBytes, rxPackets, rxErrors, rxDropped, txBytes, txPackets, txErrors, txDropped } = of;
  return { name, rxBytes, rxPackets, rxErrors, rxDropped, txBytes, txPackets, txErrors, txDropped };
}
