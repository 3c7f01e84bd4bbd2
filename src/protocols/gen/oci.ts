// Made of oci.proto by `npm run generate`. Do not edit.
import { type MessageType, message } from '../codec.ts';

/** A container's whole configuration, config.json. */
export interface Spec {
  version: string;
  process: Process | undefined;
  root: Root | undefined;
  hostname: string;
  mounts: Mount[];
  hooks: Hooks | undefined;
  annotations: { [key: string]: string };
  linux: Linux | undefined;
  solaris: Solaris | undefined;
  windows: Windows | undefined;
}
export const Spec: MessageType<Spec> = /* @__PURE__ */ message('1:version:s 2:process:m 3:root:m 4:hostname:s 5:mounts:m* 6:hooks:m 7:annotations:s% 8:linux:m 9:solaris:m 10:windows:m', () => [Process, Root, Mount, Hooks, Linux, Solaris, Windows]);

/** A process to run. */
export interface Process {
  terminal: boolean;
  consoleSize: Box | undefined;
  user: User | undefined;
  args: string[];
  env: string[];
  cwd: string;
  capabilities: LinuxCapabilities | undefined;
  rlimits: POSIXRlimit[];
  noNewPrivileges: boolean;
  apparmorProfile: string;
  oomScoreAdj: bigint;
  selinuxLabel: string;
}
export const Process: MessageType<Process> = /* @__PURE__ */ message('1:terminal:b 2:consoleSize:m 3:user:m 4:args:s* 5:env:s* 6:cwd:s 7:capabilities:m 8:rlimits:m* 9:noNewPrivileges:b 10:apparmorProfile:s 11:oomScoreAdj:I 12:selinuxLabel:s', () => [Box, User, LinuxCapabilities, POSIXRlimit]);

/** Size of a terminal, in characters. */
export interface Box {
  height: number;
  width: number;
}
export const Box: MessageType<Box> = /* @__PURE__ */ message('1:height:u 2:width:u');

/** Whom a process runs as. */
export interface User {
  uid: number;
  gid: number;
  additionalGids: number[];
  username: string;
  /** Unlike Kata: the umask of the runtime-spec travels too. An agent that doesn't know the field skips it. */
  umask: number | undefined;
}
export const User: MessageType<User> = /* @__PURE__ */ message('1:uid:u 2:gid:u 3:additionalGids:u* 4:username:s 1000:umask:u?');

/** The five capability sets, by name: CAP_CHOWN. */
export interface LinuxCapabilities {
  bounding: string[];
  effective: string[];
  inheritable: string[];
  permitted: string[];
  ambient: string[];
}
export const LinuxCapabilities: MessageType<LinuxCapabilities> = /* @__PURE__ */ message('1:bounding:s* 2:effective:s* 3:inheritable:s* 4:permitted:s* 5:ambient:s*');

/** A resource limit: RLIMIT_NOFILE. */
export interface POSIXRlimit {
  type: string;
  hard: bigint;
  soft: bigint;
}
export const POSIXRlimit: MessageType<POSIXRlimit> = /* @__PURE__ */ message('1:type:s 2:hard:U 3:soft:U');

/** A mount inside the container. */
export interface Mount {
  destination: string;
  source: string;
  type: string;
  options: string[];
}
export const Mount: MessageType<Mount> = /* @__PURE__ */ message('1:destination:s 2:source:s 3:type:s 4:options:s*');

/** The container's root file system. */
export interface Root {
  path: string;
  readonly: boolean;
}
export const Root: MessageType<Root> = /* @__PURE__ */ message('1:path:s 2:readonly:b');

/** Programs to run at points of the container's life. */
export interface Hooks {
  prestart: Hook[];
  poststart: Hook[];
  poststop: Hook[];
  createRuntime: Hook[];
  createContainer: Hook[];
  startContainer: Hook[];
}
export const Hooks: MessageType<Hooks> = /* @__PURE__ */ message('1:prestart:m* 2:poststart:m* 3:poststop:m* 4:createRuntime:m* 5:createContainer:m* 6:startContainer:m*', () => [Hook, Hook, Hook, Hook, Hook, Hook]);

/** One program; timeout in seconds. */
export interface Hook {
  path: string;
  args: string[];
  env: string[];
  timeout: bigint;
}
export const Hook: MessageType<Hook> = /* @__PURE__ */ message('1:path:s 2:args:s* 3:env:s* 4:timeout:I');

/** What is particular to Linux. */
export interface Linux {
  uidMappings: LinuxIDMapping[];
  gidMappings: LinuxIDMapping[];
  sysctl: { [key: string]: string };
  resources: LinuxResources | undefined;
  cgroupsPath: string;
  namespaces: LinuxNamespace[];
  devices: LinuxDevice[];
  seccomp: LinuxSeccomp | undefined;
  rootfsPropagation: string;
  maskedPaths: string[];
  readonlyPaths: string[];
  mountLabel: string;
  intelRdt: LinuxIntelRdt | undefined;
}
export const Linux: MessageType<Linux> = /* @__PURE__ */ message('1:uidMappings:m* 2:gidMappings:m* 3:sysctl:s% 4:resources:m 5:cgroupsPath:s 6:namespaces:m* 7:devices:m* 8:seccomp:m 9:rootfsPropagation:s 10:maskedPaths:s* 11:readonlyPaths:s* 12:mountLabel:s 13:intelRdt:m', () => [LinuxIDMapping, LinuxIDMapping, LinuxResources, LinuxNamespace, LinuxDevice, LinuxSeccomp, LinuxIntelRdt]);

/** Kept only so that nothing is lost: no Windows container runs in this guest. */
export interface Windows {
  dummy: string;
}
export const Windows: MessageType<Windows> = /* @__PURE__ */ message('1:dummy:s');

/** Kept only so that nothing is lost: no Solaris container runs in this guest. */
export interface Solaris {
  dummy: string;
}
export const Solaris: MessageType<Solaris> = /* @__PURE__ */ message('1:dummy:s');

/** A range of ids of a user namespace. */
export interface LinuxIDMapping {
  hostID: number;
  containerID: number;
  size: number;
}
export const LinuxIDMapping: MessageType<LinuxIDMapping> = /* @__PURE__ */ message('1:hostID:u 2:containerID:u 3:size:u');

/** A namespace to make, or with a path to join. */
export interface LinuxNamespace {
  type: string;
  path: string;
}
export const LinuxNamespace: MessageType<LinuxNamespace> = /* @__PURE__ */ message('1:type:s 2:path:s');

/** A device node to make. */
export interface LinuxDevice {
  path: string;
  type: string;
  major: bigint;
  minor: bigint;
  fileMode: number;
  uid: number;
  gid: number;
}
export const LinuxDevice: MessageType<LinuxDevice> = /* @__PURE__ */ message('1:path:s 2:type:s 3:major:I 4:minor:I 5:fileMode:u 6:uid:u 7:gid:u');

/** Limits of the container's cgroup. */
export interface LinuxResources {
  devices: LinuxDeviceCgroup[];
  memory: LinuxMemory | undefined;
  cpu: LinuxCPU | undefined;
  pids: LinuxPids | undefined;
  blockIO: LinuxBlockIO | undefined;
  hugepageLimits: LinuxHugepageLimit[];
  network: LinuxNetwork | undefined;
  /** Unlike Kata: files of the container's cgroup v2 to be written as they are, by name. */
  unified: { [key: string]: string };
}
export const LinuxResources: MessageType<LinuxResources> = /* @__PURE__ */ message('1:devices:m* 2:memory:m 3:cpu:m 4:pids:m 5:blockIO:m 6:hugepageLimits:m* 7:network:m 1000:unified:s%', () => [LinuxDeviceCgroup, LinuxMemory, LinuxCPU, LinuxPids, LinuxBlockIO, LinuxHugepageLimit, LinuxNetwork]);

/** Memory limits, in bytes; 0 for not set, -1 for none. */
export interface LinuxMemory {
  limit: bigint;
  reservation: bigint;
  swap: bigint;
  kernel: bigint;
  kernelTCP: bigint;
  swappiness: bigint;
  disableOOMKiller: boolean;
}
export const LinuxMemory: MessageType<LinuxMemory> = /* @__PURE__ */ message('1:limit:I 2:reservation:I 3:swap:I 4:kernel:I 5:kernelTCP:I 6:swappiness:U 7:disableOOMKiller:b');

/** CPU limits, quota and period in microseconds. */
export interface LinuxCPU {
  shares: bigint;
  quota: bigint;
  period: bigint;
  realtimeRuntime: bigint;
  realtimePeriod: bigint;
  cpus: string;
  mems: string;
}
export const LinuxCPU: MessageType<LinuxCPU> = /* @__PURE__ */ message('1:shares:U 2:quota:I 3:period:U 4:realtimeRuntime:I 5:realtimePeriod:U 6:cpus:s 7:mems:s');

/** Weight of one block device. */
export interface LinuxWeightDevice {
  major: bigint;
  minor: bigint;
  weight: number;
  leafWeight: number;
}
export const LinuxWeightDevice: MessageType<LinuxWeightDevice> = /* @__PURE__ */ message('1:major:I 2:minor:I 3:weight:u 4:leafWeight:u');

/** Rate of one block device, per second. */
export interface LinuxThrottleDevice {
  major: bigint;
  minor: bigint;
  rate: bigint;
}
export const LinuxThrottleDevice: MessageType<LinuxThrottleDevice> = /* @__PURE__ */ message('1:major:I 2:minor:I 3:rate:U');

/** Limits of block input and output. */
export interface LinuxBlockIO {
  weight: number;
  leafWeight: number;
  weightDevice: LinuxWeightDevice[];
  throttleReadBpsDevice: LinuxThrottleDevice[];
  throttleWriteBpsDevice: LinuxThrottleDevice[];
  throttleReadIOPSDevice: LinuxThrottleDevice[];
  throttleWriteIOPSDevice: LinuxThrottleDevice[];
}
export const LinuxBlockIO: MessageType<LinuxBlockIO> = /* @__PURE__ */ message('1:weight:u 2:leafWeight:u 3:weightDevice:m* 4:throttleReadBpsDevice:m* 5:throttleWriteBpsDevice:m* 6:throttleReadIOPSDevice:m* 7:throttleWriteIOPSDevice:m*', () => [LinuxWeightDevice, LinuxThrottleDevice, LinuxThrottleDevice, LinuxThrottleDevice, LinuxThrottleDevice]);

/** How many processes there may be. */
export interface LinuxPids {
  limit: bigint;
}
export const LinuxPids: MessageType<LinuxPids> = /* @__PURE__ */ message('1:limit:I');

/** A rule of the devices controller. */
export interface LinuxDeviceCgroup {
  allow: boolean;
  type: string;
  major: bigint;
  minor: bigint;
  access: string;
}
export const LinuxDeviceCgroup: MessageType<LinuxDeviceCgroup> = /* @__PURE__ */ message('1:allow:b 2:type:s 3:major:I 4:minor:I 5:access:s');

/** Network class and priorities. */
export interface LinuxNetwork {
  classID: number;
  priorities: LinuxInterfacePriority[];
}
export const LinuxNetwork: MessageType<LinuxNetwork> = /* @__PURE__ */ message('1:classID:u 2:priorities:m*', () => [LinuxInterfacePriority]);

/** Limit of huge pages of one size, in bytes. */
export interface LinuxHugepageLimit {
  pageSize: string;
  limit: bigint;
}
export const LinuxHugepageLimit: MessageType<LinuxHugepageLimit> = /* @__PURE__ */ message('1:pageSize:s 2:limit:U');

/** Priority of one interface's packets. */
export interface LinuxInterfacePriority {
  name: string;
  priority: number;
}
export const LinuxInterfacePriority: MessageType<LinuxInterfacePriority> = /* @__PURE__ */ message('1:name:s 2:priority:u');

/** A system call filter. */
export interface LinuxSeccomp {
  defaultAction: string;
  architectures: string[];
  flags: string[];
  syscalls: LinuxSyscall[];
  /** Unlike Kata: the errno of a default action SCMP_ACT_ERRNO travels too; EPERM when it is not set. */
  defaultErrnoRet: number | undefined;
}
export const LinuxSeccomp: MessageType<LinuxSeccomp> = /* @__PURE__ */ message('1:defaultAction:s 2:architectures:s* 3:flags:s* 4:syscalls:m* 1000:defaultErrnoRet:u?', () => [LinuxSyscall]);

/** A comparison of one argument of a system call. */
export interface LinuxSeccompArg {
  index: bigint;
  value: bigint;
  valueTwo: bigint;
  op: string;
}
export const LinuxSeccompArg: MessageType<LinuxSeccompArg> = /* @__PURE__ */ message('1:index:U 2:value:U 3:valueTwo:U 4:op:s');

/** A rule for some system calls. */
export interface LinuxSyscall {
  names: string[];
  action: string;
  errnoRet: number | undefined;
  args: LinuxSeccompArg[];
}
export const LinuxSyscall: MessageType<LinuxSyscall> = /* @__PURE__ */ message('1:names:s* 2:action:s 3:errnoRet:u? 4:args:m*', () => [LinuxSeccompArg]);

/** Cache allocation. */
export interface LinuxIntelRdt {
  l3CacheSchema: string;
}
export const LinuxIntelRdt: MessageType<LinuxIntelRdt> = /* @__PURE__ */ message('1:l3CacheSchema:s');
