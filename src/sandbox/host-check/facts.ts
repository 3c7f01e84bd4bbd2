import type { KvmFacts } from '../../hypervisor/qemu/judge-kvm.ts';

/** How a kernel module is to be had: `absent` is one that this kernel was not built with, `unknown` that no list of its modules is there. */
export type ModuleState = 'loaded' | 'builtin' | 'loadable' | 'absent' | 'unknown';

/** A device node. */
export interface DeviceFacts {
  /** Empty when it can be opened, else the errno's name. */
  open: string;
  /** The module behind it. */
  module: ModuleState;
}

/** A program of the host. */
export interface ProgramFacts {
  /** Null when it is not there. */
  path: string | null;
  /** What it says of itself; empty when it says nothing. */
  version: string;
}

/** A file that the configuration names. */
export interface FileFacts {
  path: string;
  /** Null when it is no file that can be read. */
  bytes: number | null;
}

/** The file system under a folder, or under its nearest ancestor that is there. */
export interface SpaceFacts {
  path: string;
  availableBytes: number;
}

/** What the configuration asks for; as far as it can be read. */
export interface WantedFacts {
  accelerator: 'auto' | 'kvm' | 'tcg';
  memoryMib: number;
  enableHugepages: boolean;
  /** Why the configuration cannot be used; null when it can. */
  failure: string | null;
  path: string;
  warnings: readonly string[];
}

/** What was found on the host. Nothing is judged here. */
export interface HostFacts {
  architecture: string;
  isRoot: boolean;
  cpu: { vendor: string; model: string; count: number; flags: readonly string[] };
  kvm: KvmFacts;
  /** The modules behind /dev/kvm. */
  kvmModules: Readonly<Record<'kvm_intel' | 'kvm_amd', ModuleState>>;
  vhostNet: DeviceFacts;
  vhostVsock: DeviceFacts;
  tun: DeviceFacts;
  loop: DeviceFacts;
  overlay: ModuleState;
  erofs: ModuleState;
  qemu: ProgramFacts;
  mkfsErofs: ProgramFacts;
  skopeo: ProgramFacts;
  umoci: ProgramFacts;
  /** The shim, as containerd would find it. */
  shim: ProgramFacts;
  containerd: ProgramFacts;
  /** containerd's configuration file, and whether it names this runtime; null when there is no such file. */
  containerdConfig: { path: string; namesKata: boolean } | null;
  kernel: FileFacts | null;
  initrd: FileFacts | null;
  cacheSpace: SpaceFacts;
  runSpace: SpaceFacts;
  templateSpace: SpaceFacts;
  memory: { totalMib: number; availableMib: number };
  hugePages: { total: number; free: number; kib: number };
  cgroups: 'v1' | 'v2' | 'hybrid' | 'none';
  wanted: WantedFacts;
}
