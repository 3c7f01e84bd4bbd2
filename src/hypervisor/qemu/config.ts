import type { DiskAio } from './qmp-commands.ts';

/** `[hypervisor.qemu]` of configuration.toml, as far as QEMU is concerned. Names are the keys', in camel case. */
export interface QemuConfig {
  /** The QEMU binary; a bare name is looked up in the usual folders. */
  path: string;
  /** `auto`: KVM when it serves, else TCG. An extension key of ours. */
  accelerator: 'auto' | 'kvm' | 'tcg';
  /** QEMU's buffer for translated code. An extension key of ours. */
  tcgTbSizeMib: number;
  /** Properties added to `-machine`, with a comma between them. */
  machineAccelerators: string;
  /** Features added to `-cpu`, with a comma between them. As Kata: by default no performance counters. */
  cpuFeatures: string;
  /**
   * QEMU's `-sandbox`; empty: none. Undefined: the strictest that works here, or none, with a line of log, when this
   * QEMU was built without seccomp. Unlike Kata: a sandbox is the default.
   */
  seccompSandbox: string | undefined;
  /** Where the guest's random numbers come from; empty: getrandom(2). */
  entropySource: string;
  blockDeviceAio: DiskAio;
  /** Sets both of the next two; otherwise QEMU's own defaults hold. */
  blockDeviceCacheSet: boolean;
  blockDeviceCacheDirect: boolean;
  blockDeviceCacheNoflush: boolean;
  /** A thread of its own for disks. */
  enableIothreads: boolean;
  /** The guest tells which of its memory is free, by a virtio-balloon device; it needs the module for it. */
  reclaimGuestFreedMemory: boolean;
  /** Network interfaces are QEMU's own affair, even where the kernel would carry their packets. */
  disableVhostNet: boolean;
  /** The guest's kernel tells everything on the console. */
  enableDebug: boolean;
}

export const DEFAULT_QEMU_CONFIG: QemuConfig = {
  path: 'qemu-system-x86_64',
  accelerator: 'auto',
  tcgTbSizeMib: 64,
  machineAccelerators: '',
  cpuFeatures: 'pmu=off',
  seccompSandbox: undefined,
  entropySource: '/dev/urandom',
  blockDeviceAio: 'threads',
  blockDeviceCacheSet: false,
  blockDeviceCacheDirect: false,
  blockDeviceCacheNoflush: false,
  enableIothreads: false,
  reclaimGuestFreedMemory: false,
  disableVhostNet: false,
  enableDebug: false,
};

/** Nothing that QEMU does for us needs to start a program, to change its user, or its scheduling. */
export const STRICT_SANDBOX = 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny';
