/** What the runtime goes by, made from configuration.toml. Each field names its key. */
export interface Config {
  hypervisor: HypervisorConfig;
  agent: AgentConfig;
  runtime: RuntimeConfig;
  factory: FactoryConfig;
}

/** `[hypervisor.qemu]`. */
export interface HypervisorConfig {
  type: 'qemu';
  /** `path`: the QEMU binary; a bare name is looked up in the usual folders. Default qemu-system-x86_64. */
  path: string;
  /** `valid_hypervisor_paths`: what an annotation may replace `path` by. */
  validPaths: readonly string[];
  /** `kernel` and `initrd`, absolute. */
  kernelPath: string;
  initrdPath: string;
  /** `kernel_params`, split at blanks. */
  kernelParams: readonly string[];
  /** `accelerator`, an extension key: `auto` is KVM when it serves, else TCG. */
  accelerator: 'auto' | 'kvm' | 'tcg';
  /** `tcg_tb_size_mib`, an extension key: QEMU's buffer for translated code, per VM. Default 64. */
  tcgTbSizeMib: number;
  /** `machine_type`. */
  machineType: string;
  /** `machine_accelerators`: properties added to `-machine`. */
  machineAccelerators: string;
  /** `cpu_features`: added to `-cpu`. */
  cpuFeatures: string;
  /** `default_vcpus`, rounded up; 0: as many as the host has (a negative value in the file). Default 1. */
  defaultVcpus: number;
  /** `default_maxvcpus`: the most that a VM grows to; 0: as many as the host has. Default 0. */
  maxVcpus: number;
  /** `default_memory`. Default 2048. */
  defaultMemoryMib: number;
  /** `default_maxmemory`: the most that a VM grows to; 0: as much as the host has. Default 0. */
  maxMemoryMib: number;
  /** `memory_slots`: how many times a VM's memory may grow. Default 10. */
  memorySlots: number;
  /** `seccompsandbox`: QEMU's `-sandbox`; empty: none; undefined: the strictest that works. */
  seccompSandbox: string | undefined;
  /** `shared_fs`: how files of the host are shared; `none`: roots go as images on disks. */
  sharedFs: 'none';
  /** `block_device_driver`. */
  blockDeviceDriver: 'virtio-scsi';
  /** `block_device_aio`. */
  blockDeviceAio: 'threads' | 'native' | 'io_uring';
  /** `block_device_cache_set`: whether the next two are set at all. */
  blockDeviceCacheSet: boolean;
  blockDeviceCacheDirect: boolean;
  blockDeviceCacheNoflush: boolean;
  /** `enable_iothreads`: a thread of its own for disks. */
  enableIothreads: boolean;
  /** `reclaim_guest_freed_memory`: what the guest frees is the host's again. */
  reclaimGuestFreedMemory: boolean;
  /** `disable_vhost_net`: QEMU carries the packets itself. */
  disableVhostNet: boolean;
  /** `rx_rate_limiter_max_rate`: what the guest may receive in a second, in bits, by each of its interfaces; 0: no bound. */
  receiveBitsPerSecond: bigint;
  /** `tx_rate_limiter_max_rate`: what it may send. */
  sendBitsPerSecond: bigint;
  /** `entropy_source`: where the guest's random numbers come from; empty: getrandom(2). */
  entropySource: string;
  /** `valid_entropy_sources`. */
  validEntropySources: readonly string[];
  /** `enable_annotations`: regular expressions for the annotations of the hypervisor that a sandbox may have. */
  enableAnnotations: readonly string[];
  /** `guest_hook_path`: a folder in the guest with hooks for its containers; empty: none. */
  guestHookPath: string;
  /** `enable_debug`: the guest's kernel tells everything on the console. */
  enableDebug: boolean;
}

/** A kernel module that the agent loads at the sandbox's creation. */
export interface KernelModuleConfig {
  name: string;
  /** `parameter=value`. */
  parameters: readonly string[];
}

/** `[agent.kata]`. */
export interface AgentConfig {
  /** `dial_timeout` (s), else `reconnect_timeout_ms`: how long a guest may take to answer. Default 45 s. */
  dialTimeoutMs: number;
  /** `enable_debug`: the agent logs everything. */
  enableDebug: boolean;
  /** `debug_console_enabled`: `kata-runtime exec SANDBOX` opens a shell in the guest. */
  debugConsoleEnabled: boolean;
  /** `debug_console_shell`, an extension key: a static busybox of the host, which is that shell. Absolute. */
  debugConsoleShell: string;
  /** `kernel_modules`. */
  kernelModules: readonly KernelModuleConfig[];
  /** `launch_process_timeout` (s): how long a process in the guest may take to be set up; 0: the agent's own 6 s. */
  launchProcessTimeoutMs: number;
  /** `container_pipe_size`: bytes of a container's stdio pipes; 0: the kernel's 64 KiB. */
  containerPipeSizeBytes: number;
}

/** `[runtime]`. */
export interface RuntimeConfig {
  /** `enable_debug`: the runtime logs everything. */
  enableDebug: boolean;
  /** `create_container_timeout` (s), of upstream's Rust runtime in `[agent.kata]`. Default 60 s. */
  createContainerTimeoutMs: number;
  /** `static_sandbox_resource_mgmt`: a VM has its size once and for all, when it is made. Default false. */
  staticSandboxResourceMgmt: boolean;
  /** `disable_guest_seccomp`. Default false. */
  disableGuestSeccomp: boolean;
  /** `sandbox_cgroup_only`: shim, QEMU and helpers go into the sandbox's cgroup of the host, not the vCPUs alone. Default false. */
  sandboxCgroupOnly: boolean;
  /** `internetworking_model`. */
  internetworkingModel: 'tcfilter' | 'macvtap' | 'none';
  /** `disable_new_netns`: networks are no affair of the runtime's; only with `none`. */
  disableNewNetns: boolean;
  /** `fix_mtab`, an extension key: an image's `/etc/mtab` that is a regular file becomes the symlink to /proc/mounts. */
  fixMtab: 'auto' | 'off';
  /** `rootfs_cache_dir`, an extension key: where images of roots are kept. Absolute. */
  rootfsCacheDir: string;
  /** `rootfs_cache_size_mib`, an extension key: what unused images may take in all; 0: no bound. Default 8192. */
  rootfsCacheSizeMib: number;
  /** `writable_layer_size_mib`, an extension key: what a container may write to its root; 0: half of the guest's memory. */
  writableLayerSizeMib: number;
}

/** `[factory]`: guests that need not boot. */
export interface FactoryConfig {
  /** `enable_template`: VMs are clones of a guest that was booted once. Default true. */
  enableTemplate: boolean;
  /** `template_path`: the folder of such guests; a tmpfs is mounted there unless it is on one. Absolute. */
  templatePath: string;
  /** `template_max_number` and `template_max_mib`, extension keys: the most that are kept. Default 4, 1024 MiB. */
  templateMaxNumber: number;
  templateMaxMib: number;
  /** `vm_cache_number`: VMs that `kata-runtime factory init` keeps waiting. Default 0. */
  vmCacheNumber: number;
  /** `vm_cache_endpoint`: the socket where they are asked for. Absolute. */
  vmCacheEndpoint: string;
}
