import { KataError } from '../../errors/kata-error.ts';
import type { LinuxBlockIO, LinuxCPU, LinuxMemory, LinuxResources } from '../../protocols/gen/oci.ts';
import { cpuWeight, ioWeight } from './weights.ts';

/** A value for a control file of a cgroup. */
export interface ControlWrite {
  file: string;
  value: string;
  /** Written instead when the kernel has this file. */
  preferred?: { file: string; value: string };
  /** A kernel that has no such file keeps to the limit anyway. */
  optional?: boolean;
}

/** The period that the kernel starts with and runc writes with a quota alone, in microseconds. */
const DEFAULT_PERIOD_US = 100_000n;

/**
 * The limits of the runtime-spec as writes to cgroup v2, in their order. Each 0 is not set and -1 is none, as in the
 * agent's messages. The conversions are those of runc and crun. What cgroup v2 has no file for (kernel memory,
 * swappiness, real-time scheduling, network classes) is not here.
 */
export function cgroupWrites(resources: LinuxResources): ControlWrite[] {
  return [
    ...cpuWrites(resources.cpu),
    ...memoryWrites(resources.memory),
    ...(resources.pids ? [{ file: 'pids.max', value: limit(resources.pids.limit || -1n) }] : []),
    ...ioWrites(resources.blockIO),
    ...resources.hugepageLimits.flatMap(({ pageSize, limit: bytes }) => [
      // Without the file there are no pages of this size to be had. Kubernetes limits all sizes of the host, to 0.
      { file: `hugetlb.${pageSize}.max`, value: `${bytes}`, optional: true },
      { file: `hugetlb.${pageSize}.rsvd.max`, value: `${bytes}`, optional: true },
    ]),
    ...Object.entries(resources.unified).map(([file, value]) => unifiedWrite(file, value)),
  ];
}

/** The limits without that of CPU time, and that one alone: the first for setting a container up in, the second for after. */
export function splitCpuQuota(resources: LinuxResources): [LinuxResources, LinuxResources] {
  const { cpu } = resources;
  if (cpu === undefined) return [resources, NO_LIMITS];
  const quota = { ...NO_CPU_LIMITS, quota: cpu.quota, period: cpu.period };
  return [
    { ...resources, cpu: { ...cpu, quota: 0n, period: 0n } },
    { ...NO_LIMITS, cpu: quota },
  ];
}

const NO_CPU_LIMITS: LinuxCPU = {
  shares: 0n,
  quota: 0n,
  period: 0n,
  realtimeRuntime: 0n,
  realtimePeriod: 0n,
  cpus: '',
  mems: '',
};
/** No limit at all. */
export const NO_LIMITS: LinuxResources = {
  devices: [],
  memory: undefined,
  cpu: undefined,
  pids: undefined,
  blockIO: undefined,
  hugepageLimits: [],
  network: undefined,
  unified: {},
};

const limit = (value: bigint): string => (value < 0n ? 'max' : `${value}`);

function cpuWrites(cpu: LinuxCPU | undefined): ControlWrite[] {
  if (cpu === undefined) return [];
  const writes: ControlWrite[] = [];
  if (cpu.cpus !== '') writes.push({ file: 'cpuset.cpus', value: cpu.cpus });
  if (cpu.mems !== '') writes.push({ file: 'cpuset.mems', value: cpu.mems });
  if (cpu.shares !== 0n) writes.push({ file: 'cpu.weight', value: `${cpuWeight(Number(cpu.shares))}` });
  if (cpu.quota !== 0n || cpu.period !== 0n) {
    const quota = cpu.quota > 0n ? `${cpu.quota}` : 'max';
    writes.push({ file: 'cpu.max', value: `${quota} ${cpu.period || DEFAULT_PERIOD_US}` });
  }
  return writes;
}

function memoryWrites(memory: LinuxMemory | undefined): ControlWrite[] {
  if (memory === undefined) return [];
  const writes: ControlWrite[] = [];
  const swap = swapLimit(memory);
  if (swap !== null) writes.push({ file: 'memory.swap.max', value: swap });
  if (memory.limit !== 0n) writes.push({ file: 'memory.max', value: limit(memory.limit) });
  if (memory.reservation !== 0n) writes.push({ file: 'memory.low', value: limit(memory.reservation) });
  return writes;
}

/** The runtime-spec limits memory and swap together, cgroup v2 swap alone. */
function swapLimit({ limit: memory, swap }: LinuxMemory): string | null {
  if (swap === 0n) return memory === -1n ? 'max' : null;
  if (swap < 0n) return 'max';
  if (memory <= 0n)
    throw new KataError('invalid-argument', `a memory limit is expected with the limit ${swap} of memory and swap`);
  if (swap < memory)
    throw new KataError(
      'invalid-argument',
      `a limit of memory and swap of at least the memory limit ${memory} is expected, found ${swap}`,
    );
  return `${swap - memory}`;
}

function ioWrites(io: LinuxBlockIO | undefined): ControlWrite[] {
  if (io === undefined) return [];
  const weights = [
    ...(io.weight === 0 ? [] : [{ target: 'default', weight: io.weight }]),
    ...io.weightDevice.map(({ major, minor, weight }) => ({ target: `${major}:${minor}`, weight })),
  ];
  const throttles = [
    ...io.throttleReadBpsDevice.map((device) => ({ ...device, key: 'rbps' })),
    ...io.throttleWriteBpsDevice.map((device) => ({ ...device, key: 'wbps' })),
    ...io.throttleReadIOPSDevice.map((device) => ({ ...device, key: 'riops' })),
    ...io.throttleWriteIOPSDevice.map((device) => ({ ...device, key: 'wiops' })),
  ];
  return [
    ...weights.map(({ target, weight }) => ({
      file: 'io.weight',
      value: `${target} ${ioWeight(weight)}`,
      preferred: { file: 'io.bfq.weight', value: `${target} ${weight}` },
    })),
    ...throttles.map(({ major, minor, rate, key }) => ({
      file: 'io.max',
      value: `${major}:${minor} ${key}=${rate === 0n ? 'max' : rate}`,
    })),
  ];
}

function unifiedWrite(file: string, value: string): ControlWrite {
  if (file.includes('/') || !file.includes('.'))
    throw new KataError(
      'invalid-argument',
      `linux.resources.unified is expected to name files of the cgroup, found ${JSON.stringify(file)}`,
    );
  return { file, value };
}
