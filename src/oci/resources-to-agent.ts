import type { LinuxCPU, LinuxMemory, LinuxResources } from '../protocols/gen/oci.ts';
import type { Int64, OciCpu, OciMemory, OciResources } from './spec.ts';

/**
 * Limits of a container as the agent takes them, for a start and for an update.
 *
 * Left behind on the host: per-device throttles (the guest numbers its devices itself), cpuset (the guest numbers its
 * processors itself), network classes. Device rules go with a start alone, see `device-rules.ts`. Unlike Kata: the limit of processes and the plain weight of
 * block I/O go along, since the guest has a cgroup v2 of its own that can hold them.
 */
export function resourcesToAgent(resources: OciResources): LinuxResources {
  const { memory, cpu, pids, blockIO } = resources;
  return {
    devices: [],
    memory: memory === undefined ? undefined : memoryToAgent(memory),
    cpu: cpu === undefined ? undefined : cpuToAgent(cpu),
    pids: pids?.limit === undefined ? undefined : { limit: BigInt(pids.limit) },
    blockIO:
      blockIO?.weight === undefined
        ? undefined
        : {
            weight: blockIO.weight,
            leafWeight: 0,
            weightDevice: [],
            throttleReadBpsDevice: [],
            throttleWriteBpsDevice: [],
            throttleReadIOPSDevice: [],
            throttleWriteIOPSDevice: [],
          },
    hugepageLimits: (resources.hugepageLimits ?? []).map(({ pageSize, limit }) => ({ pageSize, limit: BigInt(limit) })),
    network: undefined,
    unified: unifiedToAgent(resources),
  };
}

function memoryToAgent(memory: OciMemory): LinuxMemory {
  return {
    limit: big(memory.limit),
    reservation: big(memory.reservation),
    swap: big(memory.swap),
    kernel: big(memory.kernel),
    kernelTCP: big(memory.kernelTCP),
    swappiness: big(memory.swappiness),
    disableOOMKiller: memory.disableOOMKiller ?? false,
  };
}

function cpuToAgent(cpu: OciCpu): LinuxCPU {
  return {
    shares: big(cpu.shares),
    quota: big(cpu.quota),
    period: big(cpu.period),
    realtimeRuntime: big(cpu.realtimeRuntime),
    realtimePeriod: big(cpu.realtimePeriod),
    cpus: '',
    mems: '',
  };
}

/** Files of the host's processors and devices: their numbers mean something else in the guest. */
const HOST_NUMBERED = /^(?:cpuset\.(?:cpus|mems)(?:\.|$)|io\.(?:max|latency|cost|prio|bfq)|rdma\.)/;

/** `cpu.burst` and `cpu.idle` have no field in the message; the files of cgroup v2 that they stand for do. */
function unifiedToAgent({ unified, cpu }: OciResources): Record<string, string> {
  const files: Record<string, string> = {};
  if (cpu?.burst !== undefined) files['cpu.max.burst'] = String(cpu.burst);
  if (cpu?.idle !== undefined) files['cpu.idle'] = String(cpu.idle);
  for (const [name, value] of Object.entries(unified ?? {})) if (!HOST_NUMBERED.test(name)) files[name] = value;
  return files;
}

/** 0 is the message's "not set". */
function big(value: Int64 | undefined): bigint {
  return value === undefined ? 0n : BigInt(value);
}
