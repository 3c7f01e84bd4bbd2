import { isHostRule } from './device-rules.ts';
import { isAllowedEveryDevice, isHostDevice } from './host-device.ts';
import type { OciDevice, OciDeviceRule, OciLinux, OciSpec } from './spec.ts';

/** A field that is refused, or one that is left out in silence, and why. */
export interface FieldRule {
  /** JSON path, as shown to people. */
  path: string;
  /** The first place where the spec uses it, with what was found there; undefined when it doesn't. */
  find: (spec: OciSpec) => { path: string; found: string } | undefined;
  reason: string;
  /** What to do next. */
  hint: string;
}

/**
 * Fields that change what a container may do or how it behaves, and that this runtime does not serve: a container that
 * asks for one is refused (`unimplemented`), since running it without would be a surprise.
 */
export const REFUSED: readonly FieldRule[] = [
  {
    path: 'linux.uidMappings, linux.gidMappings, linux.namespaces user',
    find: ({ linux }) =>
      firstOf(linux?.uidMappings, 'linux.uidMappings') ??
      firstOf(linux?.gidMappings, 'linux.gidMappings') ??
      namespaceOf(linux, 'user'),
    reason: 'user namespaces are not made in the guest',
    hint: 'run without user namespaces (hostUsers: true); the virtual machine separates the container from the host',
  },
  {
    path: 'linux.timeOffsets',
    find: ({ linux }) => firstKey(linux?.timeOffsets, 'linux.timeOffsets'),
    reason: 'time namespaces with offsets are not made in the guest',
    hint: 'remove linux.timeOffsets',
  },
  {
    path: 'mounts[].uidMappings, mounts[].gidMappings, mounts[].options idmap and ridmap',
    find: ({ mounts }) => {
      for (const [index, mount] of (mounts ?? []).entries()) {
        const option = mount.options?.find((each) => each === 'idmap' || each === 'ridmap');
        if (option !== undefined) return { path: `mounts[${index}].options`, found: option };
        const mapping =
          firstOf(mount.uidMappings, `mounts[${index}].uidMappings`) ??
          firstOf(mount.gidMappings, `mounts[${index}].gidMappings`);
        if (mapping !== undefined) return mapping;
      }
      return undefined;
    },
    reason: 'id-mapped mounts are not made in the guest',
    hint: 'mount it without an id mapping',
  },
  {
    path: 'linux.seccomp.listenerPath, SCMP_ACT_NOTIFY',
    find: ({ linux }) => {
      const seccomp = linux?.seccomp;
      if (seccomp?.listenerPath) return { path: 'linux.seccomp.listenerPath', found: seccomp.listenerPath };
      if (seccomp?.defaultAction === 'SCMP_ACT_NOTIFY')
        return { path: 'linux.seccomp.defaultAction', found: 'SCMP_ACT_NOTIFY' };
      const index = seccomp?.syscalls?.findIndex(({ action }) => action === 'SCMP_ACT_NOTIFY') ?? -1;
      return index < 0 ? undefined : { path: `linux.seccomp.syscalls[${index}].action`, found: 'SCMP_ACT_NOTIFY' };
    },
    reason: 'a listener on the host cannot be handed system calls of another kernel',
    hint: 'use a seccomp profile without SCMP_ACT_NOTIFY',
  },
  {
    path: 'linux.personality',
    find: ({ linux }) => {
      const personality = linux?.personality;
      if (personality === undefined) return undefined;
      if (personality.domain !== 'LINUX') return { path: 'linux.personality.domain', found: personality.domain };
      return firstOf(personality.flags, 'linux.personality.flags');
    },
    reason: 'only the personality LINUX, without flags, is served',
    hint: 'remove linux.personality',
  },
  {
    path: 'linux.intelRdt',
    find: ({ linux }) => present(linux?.intelRdt, 'linux.intelRdt'),
    reason: "cache allocation is the host's and does not reach into a virtual machine",
    hint: 'remove linux.intelRdt, or set it for the virtual machine on the host',
  },
  {
    path: 'linux.memoryPolicy',
    find: ({ linux }) => present(linux?.memoryPolicy, 'linux.memoryPolicy'),
    reason: "it names the host's memory nodes, which the guest does not have",
    hint: 'remove linux.memoryPolicy',
  },
  {
    path: 'linux.netDevices',
    find: ({ linux }) => firstKey(linux?.netDevices, 'linux.netDevices'),
    reason: 'network devices of the host are not moved into the guest',
    hint: "remove linux.netDevices; the pod's network namespace is what the guest is connected to",
  },
  {
    path: 'linux.resources.rdma',
    find: ({ linux }) => firstKey(linux?.resources?.rdma, 'linux.resources.rdma'),
    reason: 'the guest has no RDMA devices',
    hint: 'remove linux.resources.rdma',
  },
  {
    path: 'linux.devices of character devices with a dynamic number',
    find: (spec) =>
      isAllowedEveryDevice(spec)
        ? undefined
        : firstDevice(spec, (device) => isHostDevice(device) && device.type !== 'b'),
    reason: "its number means another device, or none, in the guest's kernel",
    hint: 'run without this device; the guest has its own',
  },
  {
    path: 'process.scheduler, process.ioPriority, process.execCPUAffinity',
    find: ({ process }) =>
      present(process?.scheduler, 'process.scheduler') ??
      present(process?.ioPriority, 'process.ioPriority') ??
      present(process?.execCPUAffinity, 'process.execCPUAffinity'),
    reason: "scheduling of single processes is not part of the agent's API",
    hint: 'remove it; use cpu limits instead',
  },
];

/** Fields that are left out because their meaning is the host's: said in the log, not refused. */
export const IGNORED: readonly Omit<FieldRule, 'hint'>[] = [
  {
    path: 'linux.resources.devices of devices of the host that the container is not given',
    find: ({ linux }) => {
      const index = (linux?.resources?.devices ?? []).findIndex(
        (rule) => rule.allow && isHostRule(rule) && !isForListed(rule, linux?.devices ?? []),
      );
      if (index < 0) return undefined;
      const { type, major = '*', minor = '*' } = linux!.resources!.devices![index]!;
      return { path: `linux.resources.devices[${index}]`, found: `${type} ${major}:${minor}` };
    },
    reason: "its number means another device, or none, in the guest's kernel",
  },
  {
    path: 'linux.devices of a privileged container',
    find: (spec) => (isAllowedEveryDevice(spec) ? firstDevice(spec, isHostDevice) : undefined),
    reason: "a privileged container gets the guest's devices; those of the host with numbers of their own are left out",
  },
  {
    path: 'process.apparmorProfile, process.selinuxLabel, linux.mountLabel',
    find: ({ process, linux }) =>
      words(process?.apparmorProfile, 'process.apparmorProfile') ??
      words(process?.selinuxLabel, 'process.selinuxLabel') ??
      words(linux?.mountLabel, 'linux.mountLabel'),
    reason: "it names a policy of the host's kernel; the guest's has none",
  },
  {
    path: 'linux.resources.cpu.cpus, linux.resources.cpu.mems',
    find: ({ linux }) =>
      words(linux?.resources?.cpu?.cpus, 'linux.resources.cpu.cpus') ??
      words(linux?.resources?.cpu?.mems, 'linux.resources.cpu.mems'),
    reason: "it numbers the host's processors and memory nodes; the guest has its own",
  },
  {
    path: 'linux.resources.blockIO by device',
    find: ({ linux }) => {
      const blockIo = linux?.resources?.blockIO;
      const at = 'linux.resources.blockIO';
      return (
        firstOf(blockIo?.weightDevice, `${at}.weightDevice`) ??
        firstOf(blockIo?.throttleReadBpsDevice, `${at}.throttleReadBpsDevice`) ??
        firstOf(blockIo?.throttleWriteBpsDevice, `${at}.throttleWriteBpsDevice`) ??
        firstOf(blockIo?.throttleReadIOPSDevice, `${at}.throttleReadIOPSDevice`) ??
        firstOf(blockIo?.throttleWriteIOPSDevice, `${at}.throttleWriteIOPSDevice`)
      );
    },
    reason: "it numbers the host's devices; the guest's disks have other numbers",
  },
  {
    path: 'linux.resources.network',
    find: ({ linux }) => {
      const network = linux?.resources?.network;
      if (network?.classID) return { path: 'linux.resources.network.classID', found: String(network.classID) };
      return firstOf(network?.priorities, 'linux.resources.network.priorities');
    },
    reason: "it marks packets for the host's queues; they leave the guest unmarked",
  },
  {
    path: 'linux.resources.memory.kernel, kernelTCP, disableOOMKiller',
    find: ({ linux }) => {
      const memory = linux?.resources?.memory;
      for (const name of ['kernel', 'kernelTCP'] as const)
        if (memory?.[name] !== undefined && BigInt(memory[name]) > 0n)
          return { path: `linux.resources.memory.${name}`, found: String(memory[name]) };
      return memory?.disableOOMKiller ? { path: 'linux.resources.memory.disableOOMKiller', found: 'true' } : undefined;
    },
    reason: "the guest's cgroup v2 has no such limit",
  },
];

const isForListed = (rule: OciDeviceRule, devices: readonly OciDevice[]): boolean =>
  devices.some(
    ({ type, major, minor }) =>
      type === 'b' && rule.type === 'b' && Number(rule.major) === major && Number(rule.minor) === minor,
  );

function firstDevice({ linux }: OciSpec, is: (device: OciDevice) => boolean): Found {
  const index = (linux?.devices ?? []).findIndex(is);
  const device = linux?.devices?.[index];
  if (device === undefined) return undefined;
  const { path, type, major = 0, minor = 0 } = device;
  return { path: `linux.devices[${index}]`, found: `${path} (${type} ${major}:${minor})` };
}

type Found = { path: string; found: string } | undefined;

function firstOf(items: readonly unknown[] | undefined, path: string): Found {
  return items === undefined || items.length === 0 ? undefined : { path, found: `a list of ${items.length}` };
}

function firstKey(items: object | undefined, path: string): Found {
  const key = Object.keys(items ?? {})[0];
  return key === undefined ? undefined : { path: `${path}['${key}']`, found: 'an entry' };
}

function present(value: object | undefined, path: string): Found {
  return value === undefined ? undefined : { path, found: 'an object' };
}

function words(value: string | undefined, path: string): Found {
  return value === undefined || value === '' ? undefined : { path, found: `'${value}'` };
}

function namespaceOf(linux: OciLinux | undefined, type: string): Found {
  const index = (linux?.namespaces ?? []).findIndex((each) => each.type === type);
  return index < 0 ? undefined : { path: `linux.namespaces[${index}]`, found: `type ${type}` };
}
