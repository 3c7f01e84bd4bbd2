// What /proc tells about processes (proc(5)). A process may end at any moment, and then takes nothing.
import fs from 'node:fs';

/** Ticks of a second in /proc (USER_HZ), on every architecture that we know. */
const TICKS_PER_SECOND = 100;

export interface HostProcess {
  pid: number;
  parent: number;
  /** Its command line, words separated by spaces. */
  command: string;
}

const read = (file: string): string => {
  try {
    return fs.readFileSync(file, 'latin1');
  } catch {
    return '';
  }
};

/** The fields of /proc/PID/stat behind the name, which may have spaces: the first is the state. */
const statOf = (pid: number): string[] => read(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? [];

/** All processes that we may see. */
export function allProcesses(): HostProcess[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({
      pid: Number(name),
      parent: Number(statOf(Number(name))[1]),
      command: read(`/proc/${name}/cmdline`).replaceAll('\0', ' ').trim(),
    }));
}

/** These processes and all that they started, and those started, that still run. */
export function withDescendants(roots: readonly number[], all: readonly HostProcess[]): HostProcess[] {
  const found = new Set(roots);
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  return all.filter(({ pid }) => found.has(pid));
}

/** Each process's share of the memory it maps, in KiB; 0 when it has ended. */
export const pssKib = (pid: number): number =>
  Number(/^Pss:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);

/** Processor time that a process has had, in the kernel and outside. */
export function processorMs(pid: number): number {
  const fields = statOf(pid);
  return ((Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * 1000) / TICKS_PER_SECOND;
}

/** The machine's memory, in KiB. */
export interface HostMemory {
  available: number;
  /** tmpfs, memfd and other shared memory. */
  shared: number;
  /** What files in all of our tmpfs take: a template that lies in one, for example. */
  tmpfs: number;
}

export function hostMemory(): HostMemory {
  const text = read('/proc/meminfo');
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]);
  return { available: field('MemAvailable'), shared: field('Shmem'), tmpfs: tmpfsKib() };
}

/** Each tmpfs once, by its device, though it may be mounted at several places. */
function tmpfsKib(): number {
  const mounts = new Map<string, string>();
  for (const line of read('/proc/self/mountinfo').split('\n')) {
    const [, , device = '', , place = ''] = line.split(' ');
    if (/ - tmpfs /.test(line)) mounts.set(device, place.replaceAll('\\040', ' '));
  }
  let sum = 0;
  for (const place of mounts.values()) {
    try {
      const { blocks, bfree, bsize } = fs.statfsSync(place);
      sum += ((blocks - bfree) * bsize) / 1024;
    } catch {
      // Another one may be mounted above it.
    }
  }
  return sum;
}
