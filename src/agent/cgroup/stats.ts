import type { BlkioStatsEntry, CgroupStats, HugetlbStats, MemoryData } from '../../protocols/gen/agent.ts';
import { parseFlatKeyed, parseLimit, parseNestedKeyed, UNLIMITED } from './parse-control-file.ts';

/** A control file's text by its name; null when the cgroup has no such file. */
export type ReadControl = (file: string) => string | null;

const US_TO_NS = 1000n;

/** What a cgroup v2 used, in the words of the agent's API, which are those of v1. */
export function cgroupStats(read: ReadControl, hugepageSizes: readonly string[]): CgroupStats {
  const cpu = parseFlatKeyed(read('cpu.stat') ?? '');
  const time = (key: string): bigint => (cpu.get(key) ?? 0n) * US_TO_NS;
  return {
    cpuStats: {
      cpuUsage: {
        totalUsage: time('usage_usec'),
        percpuUsage: [],
        usageInKernelmode: time('system_usec'),
        usageInUsermode: time('user_usec'),
      },
      throttlingData: {
        periods: cpu.get('nr_periods') ?? 0n,
        throttledPeriods: cpu.get('nr_throttled') ?? 0n,
        throttledTime: time('throttled_usec'),
      },
    },
    memoryStats: memoryStats(read),
    pidsStats: pidsStats(read),
    blkioStats: blkioStats(read('io.stat') ?? ''),
    hugetlbStats: Object.fromEntries(hugepageSizes.map((size) => [size, hugetlbStats(read, size)])),
  };
}

function memoryStats(read: ReadControl): CgroupStats['memoryStats'] {
  const stat = parseFlatKeyed(read('memory.stat') ?? '');
  const events = parseFlatKeyed(read('memory.events') ?? '');
  const swapEvents = parseFlatKeyed(read('memory.swap.events') ?? '');
  return {
    cache: stat.get('file') ?? 0n,
    usage: memoryData(read, 'memory', events.get('max')),
    swapUsage: memoryData(read, 'memory.swap', swapEvents.get('max')),
    kernelUsage: { usage: stat.get('kernel') ?? 0n, maxUsage: 0n, failcnt: 0n, limit: UNLIMITED },
    useHierarchy: true,
    stats: Object.fromEntries(stat),
  };
}

function memoryData(read: ReadControl, prefix: string, failures = 0n): MemoryData {
  return {
    usage: parseLimit(read(`${prefix}.current`) ?? ''),
    maxUsage: parseLimit(read(`${prefix}.peak`) ?? ''),
    failcnt: failures,
    limit: parseLimit(read(`${prefix}.max`) ?? 'max'),
  };
}

/** The API tells no limit of processes by 0. */
function pidsStats(read: ReadControl): CgroupStats['pidsStats'] {
  const most = parseLimit(read('pids.max') ?? 'max');
  return { current: parseLimit(read('pids.current') ?? ''), limit: most === UNLIMITED ? 0n : most };
}

const BYTES: Readonly<Record<string, string>> = { rbytes: 'read', wbytes: 'write', dbytes: 'discard' };
const OPERATIONS: Readonly<Record<string, string>> = { rios: 'read', wios: 'write', dios: 'discard' };

function blkioStats(text: string): CgroupStats['blkioStats'] {
  const devices = parseNestedKeyed(text);
  const entries = (names: Readonly<Record<string, string>>): BlkioStatsEntry[] =>
    devices.flatMap(({ name, values }) => {
      const [major = '0', minor = '0'] = name.split(':');
      return [...values]
        .filter(([key]) => key in names)
        .map(([key, value]) => ({ major: BigInt(major), minor: BigInt(minor), op: names[key]!, value }));
    });
  return {
    ioServiceBytesRecursive: entries(BYTES),
    ioServicedRecursive: entries(OPERATIONS),
    ioQueuedRecursive: [],
    ioServiceTimeRecursive: [],
    ioWaitTimeRecursive: [],
    ioMergedRecursive: [],
    ioTimeRecursive: [],
    sectorsRecursive: [],
  };
}

function hugetlbStats(read: ReadControl, size: string): HugetlbStats {
  const failures = parseFlatKeyed(read(`hugetlb.${size}.events`) ?? '').get('max') ?? 0n;
  return { usage: parseLimit(read(`hugetlb.${size}.current`) ?? ''), maxUsage: 0n, failcnt: failures };
}
