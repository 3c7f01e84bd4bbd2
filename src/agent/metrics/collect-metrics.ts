import { KataError } from '../../errors/kata-error.ts';
import { readText } from '../../os/file.ts';
import { statfs } from '../../os/stat.ts';
import { listMounts } from '../../os/unmount.ts';
import { log } from '../log/log.ts';
import {
  type Numbers,
  parseCpuTimes,
  parseDiskstats,
  parseKeyed,
  parseLoadavg,
  parseMeminfo,
  parseNetdev,
  parseProcessStat,
  parseVmstat,
} from './parse-proc.ts';
import { formatMetrics, items, type Metric, type Sample, single } from './prometheus.ts';

/** Of x86-64 Linux. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;
/** File systems whose filling can change and matters. */
const WRITABLE_TYPES = new Set(['ext4', 'xfs', 'btrfs', 'vfat', 'overlay']);

let scrapes = 0;

/** The agent's and the guest's numbers in Prometheus's text format, by upstream's names. */
export function collectMetrics(): string {
  scrapes++;
  return formatMetrics([...agentMetrics(), ...guestMetrics(), ...fileSystemMetrics()]);
}

const gauge = (name: string, help: string, samples: readonly Sample[]): Metric => ({
  name,
  help,
  type: 'gauge',
  samples,
});

/** Samples of many things with the same items: `cpu="0",item="user"`. */
function byLabel(label: string, all: ReadonlyMap<string, Numbers>): Sample[] {
  return [...all].flatMap(([name, numbers]) => items(numbers, { [label]: name }));
}

/** What a file of `/proc` says; one that this kernel lacks says nothing. */
function read<T>(path: string, parse: (text: string) => T, none: T): T {
  try {
    return parse(readText(path));
  } catch (error) {
    log.debug('a metric is left out', { path, error: KataError.from(error) });
    return none;
  }
}

function agentMetrics(): Metric[] {
  const stat = parseProcessStat(readText('/proc/self/stat'));
  const seconds = ((stat.times.utime ?? 0) + (stat.times.stime ?? 0)) / TICKS_PER_SECOND;
  return [
    { name: 'kata_agent_scrape_count', help: 'Metrics scrape count', type: 'counter', samples: single(scrapes) },
    gauge('kata_agent_threads', 'Agent process threads', single(stat.threads)),
    gauge('kata_agent_total_time', 'Agent process total time', single(seconds)),
    gauge('kata_agent_total_vm', 'Agent process total VM size', single(stat.virtualBytes)),
    gauge('kata_agent_total_rss', 'Agent process total RSS size', single(stat.residentPages * PAGE_BYTES)),
    gauge('kata_agent_proc_status', 'Agent process status.', items(statusNumbers())),
    gauge('kata_agent_io_stat', 'Agent process IO statistics.', items(read('/proc/self/io', parseKeyed, {}))),
    gauge('kata_agent_proc_stat', 'Agent process statistics.', items(stat.times)),
  ];
}

/** Sizes and switches of the process; ids and masks are no measurements. */
function statusNumbers(): Numbers {
  const all = read('/proc/self/status', parseKeyed, {});
  return Object.fromEntries(
    Object.entries(all).filter(([name]) => /^(vm|rss|hugetlb|voluntary|nonvoluntary)/.test(name)),
  );
}

function guestMetrics(): Metric[] {
  const { load, tasks } = read('/proc/loadavg', parseLoadavg, { load: {}, tasks: {} });
  const cpus = read('/proc/stat', parseCpuTimes, new Map());
  const interfaces = read('/proc/net/dev', parseNetdev, new Map());
  const disks = read('/proc/diskstats', parseDiskstats, new Map());
  return [
    gauge('kata_guest_load', 'Guest system load.', items(load)),
    gauge('kata_guest_tasks', 'Guest system load.', items(tasks)),
    gauge('kata_guest_cpu_time', 'Guest CPU statistics.', byLabel('cpu', cpus)),
    gauge('kata_guest_vm_stat', 'Guest virtual memory statistics.', items(read('/proc/vmstat', parseVmstat, {}))),
    gauge('kata_guest_netdev_stat', 'Guest net devices statistics.', byLabel('interface', interfaces)),
    gauge('kata_guest_diskstat', 'Disks statistics in system.', byLabel('disk', disks)),
    gauge('kata_guest_meminfo', 'Statistics about memory usage.', items(read('/proc/meminfo', parseMeminfo, {}))),
  ];
}

function fileSystemMetrics(): Metric[] {
  const bytes: Sample[] = [];
  const inodes: Sample[] = [];
  const seen = new Set<string>();
  for (const { type, superOptions, device, mountPoint, source } of listMounts()) {
    if (!WRITABLE_TYPES.has(type) || superOptions.includes('ro') || seen.has(device)) continue;
    seen.add(device);
    const labels = { mount: mountPoint, device: source.slice(source.lastIndexOf('/') + 1) || device };
    const use = statfs(mountPoint);
    const numbers = (total: number, available: number): Numbers => ({ total, used: total - available, available });
    bytes.push(...items(numbers(use.totalBytes, use.freeBytes), labels));
    inodes.push(...items(numbers(use.totalInodes, use.freeInodes), labels));
  }
  return [
    gauge('kata_guest_filesystem_bytes', 'Guest filesystem space usage in bytes.', bytes),
    gauge('kata_guest_filesystem_inodes', 'Guest filesystem inode usage.', inodes),
  ];
}
