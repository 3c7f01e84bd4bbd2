import type { MachineSize } from '../hypervisor/hypervisor.ts';
import type { SandboxSize } from '../oci/annotations.ts';
import type { OciResources } from '../oci/spec.ts';

const MIB = 2 ** 20;
/** The kernel's, in microseconds. */
const DEFAULT_PERIOD_US = 100_000;

/**
 * How large the VM of these containers is to be, as upstream reckons it: what it is without any (`default_vcpus`,
 * `default_memory`), and the limits of all. Without any quota the largest number of processors that one is pinned to counts.
 */
export function wantedSize(base: MachineSize, containers: Iterable<OciResources>): MachineSize {
  let cpus = 0;
  let pinned = 0;
  let bytes = 0;
  for (const { cpu, memory, hugepageLimits = [] } of containers) {
    cpus += cpusOf(cpu?.quota, cpu?.period);
    pinned = Math.max(pinned, countCpus(cpu?.cpus ?? ''));
    bytes += bounded(memory?.limit);
    for (const { limit } of hugepageLimits) bytes += bounded(limit);
  }
  return sum(base, cpus || pinned, bytes);
}

/** The same by what the pod's sandbox is said to use in all; null when nothing is said. */
export function wantedByPod(base: MachineSize, size: SandboxSize): MachineSize | null {
  const { cpuQuotaUs, cpuPeriodUs, memoryBytes } = size;
  if (cpuQuotaUs === undefined && memoryBytes === undefined) return null;
  return sum(base, cpusOf(cpuQuotaUs, cpuPeriodUs), memoryBytes ?? 0);
}

const sum = (base: MachineSize, cpus: number, bytes: number): MachineSize => ({
  // Sums of fractions are a little off: 0.7 + 0.1 + 0.2 must not become a further processor.
  vcpus: Math.ceil(base.vcpus + Math.round(cpus * 1e6) / 1e6),
  memoryMib: base.memoryMib + Math.ceil(bytes / MIB),
});

/** Above this a limit is none: the kernel's own "no limit" is about 2^63. */
const UNBOUNDED = 2 ** 52;

/** 0 for what has no bound. */
function bounded(limit: number | bigint | undefined): number {
  const value = Number(limit ?? 0);
  return value > 0 && value < UNBOUNDED ? value : 0;
}

function cpusOf(quota: number | bigint | undefined, period: number | bigint | undefined): number {
  return bounded(quota) / (bounded(period) || DEFAULT_PERIOD_US);
}

/** How many processors a list as `0-2,7` names (cpuset(7), "List format"). */
function countCpus(list: string): number {
  let count = 0;
  for (const part of list.split(',')) {
    const [, first, last = first] = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(part) ?? [];
    if (first !== undefined) count += Math.max(0, Number(last) - Number(first) + 1);
  }
  return count;
}
