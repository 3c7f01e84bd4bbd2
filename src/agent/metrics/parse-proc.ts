/** Files of `/proc` (proc(5)) as numbers by the names that upstream's metrics have for them. */
export type Numbers = Record<string, number>;

/** `Name:  123 kB` lines, bytes where there is a unit; names that upstream writes in another way than by the rule. */
export function parseMeminfo(text: string): Numbers {
  const numbers: Numbers = {};
  for (const [, name, value, unit] of text.matchAll(/^(\S+):\s+(\d+)( kB)?$/gm)) {
    numbers[meminfoName(name!)] = Number(value) * (unit === undefined ? 1 : 1024);
  }
  return numbers;
}

/** `MemTotal` is `mem_total`, `Active(anon)` is `active_anon`, `AnonHugePages` is `anon_hugepages`. */
function meminfoName(name: string): string {
  return name
    .replace('HugePages', 'Hugepages')
    .replace('Percpu', 'PerCpu')
    .replace('DirectMap', 'DirectMap_')
    .replace('NFS', 'Nfs')
    .replace('Committed_AS', 'CommittedAs')
    .replace(/\((\w+)\)/, '_$1')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replace(/^([A-Z])([A-Z][a-z])/, '$1_$2')
    .replace(/__/g, '_')
    .toLowerCase();
}

/** `name value` lines. */
export function parseVmstat(text: string): Numbers {
  return Object.fromEntries([...text.matchAll(/^(\w+) (\d+)$/gm)].map(([, name, value]) => [name, Number(value)]));
}

/** `name: value` lines of `/proc/<pid>/io`, and those of `/proc/<pid>/status` that are numbers, bytes where there is a unit. */
export function parseKeyed(text: string): Numbers {
  const numbers: Numbers = {};
  for (const [, name, value, unit] of text.matchAll(/^(\w+):\s+(\d+)( kB)?$/gm)) {
    numbers[name!.toLowerCase()] = Number(value) * (unit === undefined ? 1 : 1024);
  }
  return numbers;
}

const CPU_ITEMS = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal', 'guest', 'guest_nice'];
const DISK_ITEMS = [
  ...['reads', 'merged', 'sectors_read', 'time_reading', 'writes', 'writes_merged', 'sectors_written'],
  ...['time_writing', 'in_progress', 'time_in_progress', 'weighted_time_in_progress', 'discards'],
  ...['discards_merged', 'sectors_discarded', 'time_discarding', 'flushes', 'time_flushing'],
];
const NET_ITEMS = [
  ...['bytes', 'packets', 'errs', 'drop', 'fifo', 'frame', 'compressed', 'multicast'].map((name) => `recv_${name}`),
  ...['bytes', 'packets', 'errs', 'drop', 'fifo', 'colls', 'carrier', 'compressed'].map((name) => `sent_${name}`),
];

function named(names: readonly string[], values: readonly string[]): Numbers {
  return Object.fromEntries(names.slice(0, values.length).map((name, i) => [name, Number(values[i])]));
}

/** Times of each CPU in ticks, by its number, and of all by `total` (`/proc/stat`). */
export function parseCpuTimes(text: string): Map<string, Numbers> {
  const lines = [...text.matchAll(/^cpu(\d*) +(.+)$/gm)];
  return new Map(lines.map(([, cpu, values]) => [cpu || 'total', named(CPU_ITEMS, values!.split(' '))]));
}

/** Counters of each disk (`/proc/diskstats`). */
export function parseDiskstats(text: string): Map<string, Numbers> {
  const lines = text.split('\n').map((line) => line.trim().split(/\s+/));
  return new Map(
    lines.filter((line) => line.length > 3).map(([, , disk, ...values]) => [disk!, named(DISK_ITEMS, values)]),
  );
}

/** Counters of each interface (`/proc/net/dev`). */
export function parseNetdev(text: string): Map<string, Numbers> {
  const lines = [...text.matchAll(/^\s*(\S+?):\s*(.+)$/gm)];
  return new Map(lines.map(([, name, values]) => [name!, named(NET_ITEMS, values!.trim().split(/\s+/))]));
}

export interface Load {
  load: Numbers;
  tasks: Numbers;
}

/** `0.10 0.20 0.30 1/90 1234`: loads, then tasks running and tasks in all. */
export function parseLoadavg(text: string): Load {
  const [load1, load5, load15, tasks] = text.trim().split(' ');
  const [cur, max] = (tasks ?? '').split('/');
  return {
    load: { load1: Number(load1), load5: Number(load5), load15: Number(load15) },
    tasks: { cur: Number(cur), max: Number(max) },
  };
}

export interface ProcessNumbers {
  threads: number;
  /** Times in ticks, as the kernel has them. */
  times: Numbers;
  virtualBytes: number;
  residentPages: number;
}

/** `/proc/<pid>/stat`; the name in parentheses may hold anything. */
export function parseProcessStat(text: string): ProcessNumbers {
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const at = (field: number): number => fields[field - 3] ?? 0;
  return {
    threads: at(20),
    times: { utime: at(14), stime: at(15), cutime: at(16), cstime: at(17) },
    virtualBytes: at(23),
    residentPages: at(24),
  };
}
