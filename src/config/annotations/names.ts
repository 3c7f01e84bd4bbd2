/** Prefix of the annotations of a sandbox that configure it, and of those that need `enable_annotations`. */
export const CONFIG_PREFIX = 'io.katacontainers.config.';
export const HYPERVISOR_PREFIX = `${CONFIG_PREFIX}hypervisor.`;

/** Upstream's annotation that names the whole configuration file. */
export const CONFIG_PATH = 'io.katacontainers.config_path';

/** Which key an annotation sets, and how its text is read. */
export interface AnnotationRule {
  section: 'hypervisor.qemu' | 'runtime' | 'agent.kata';
  key: string;
  /** The key that lists what may be named, as shell patterns. */
  allowedBy?: string;
  /** An absolute path without `.` and `..`. */
  isPath?: boolean;
  /** An empty text, or 0, leaves the configured value. */
  ignores?: 'empty' | 'zero';
  /** It comes behind what is configured. */
  appends?: boolean;
  /** How a list is written. */
  list?: 'semicolons' | 'blanks' | 'json';
  /** Not more than the host has processors. */
  countsProcessors?: boolean;
  /** The key that is set back to its default at the same time. */
  excludes?: string;
}

type Extra = Omit<AnnotationRule, 'section' | 'key'>;

const path = { isPath: true } as const;
const orEmpty = { ignores: 'empty' } as const;
const orZero = { ignores: 'zero' } as const;

/** Of the hypervisor, by what follows the prefix: those that carry their key's own name. */
const OWN_NAMES: Readonly<Record<string, Extra>> = {
  path: { ...path, allowedBy: 'valid_hypervisor_paths' },
  ctlpath: { ...path, allowedBy: 'valid_ctlpaths' },
  jailer_path: { ...path, allowedBy: 'valid_jailer_paths' },
  virtio_fs_daemon: { ...path, allowedBy: 'valid_virtio_fs_daemon_paths' },
  vhost_user_store_path: { ...path, allowedBy: 'valid_vhost_user_store_paths' },
  entropy_source: { allowedBy: 'valid_entropy_sources', ...orEmpty },
  kernel: path,
  initrd: path,
  image: path,
  firmware: path,
  firmware_volume: path,
  kernel_params: { appends: true },
  kernel_verity_params: {},
  machine_type: orEmpty,
  machine_accelerators: orEmpty,
  cpu_features: orEmpty,
  default_vcpus: { countsProcessors: true },
  default_memory: {},
  memory_slots: orZero,
  memory_offset: orZero,
  enable_virtio_mem: {},
  enable_mem_prealloc: {},
  reclaim_guest_freed_memory: {},
  enable_hugepages: {},
  hugepage_type: {},
  enable_iommu: {},
  enable_iommu_platform: {},
  numa_mapping: { list: 'json' },
  msize_9p: {},
  shared_fs: {},
  virtio_fs_cache: {},
  virtio_fs_cache_size: {},
  virtio_fs_extra_args: { list: 'json', appends: true },
  block_device_driver: {},
  block_device_aio: {},
  disable_block_device_use: {},
  enable_iothreads: {},
  indep_iothreads: {},
  block_device_cache_set: {},
  block_device_cache_direct: {},
  block_device_cache_noflush: {},
  rx_rate_limiter_max_rate: {},
  tx_rate_limiter_max_rate: {},
  network_queues: {},
  enable_guest_swap: {},
  rootless: {},
  disable_vhost_net: {},
  enable_vhost_user_store: {},
  vhost_user_reconnect_timeout_sec: {},
  guest_hook_path: orEmpty,
  disable_image_nvdimm: {},
  cold_plug_vfio: { excludes: 'hot_plug_vfio' },
  hot_plug_vfio: { excludes: 'cold_plug_vfio' },
  pcie_root_port: orZero,
  pcie_switch_port: orZero,
  use_legacy_serial: {},
  default_gpus: {},
  default_gpu_model: orEmpty,
};

/** Of the hypervisor, with another name than their key. */
const OTHER_NAMES: Readonly<Record<string, [key: string, extra: Extra]>> = {
  default_max_vcpus: ['default_maxvcpus', { countsProcessors: true }],
  blk_logical_sector_size: ['block_device_logical_sector_size', {}],
  blk_physical_sector_size: ['block_device_physical_sector_size', {}],
  block_device_num_queues: ['num_queues', {}],
  block_device_queue_size: ['queue_size', {}],
  'prefetch_files.list': ['prefetch_list_path', path],
  cc_init_data: ['initdata', orEmpty],
};

const RUNTIME: Readonly<Record<string, Extra>> = {
  name: {},
  hypervisor_name: {},
  agent_name: {},
  disable_guest_seccomp: {},
  guest_selinux_label: {},
  sandbox_cgroup_only: {},
  enable_vcpus_pinning: {},
  enable_pprof: {},
  experimental: { list: 'blanks' },
  experimental_force_guest_pull: {},
  internetworking_model: {},
  disable_new_netns: {},
  vfio_mode: {},
  create_container_timeout: {},
  sandbox_bind_mounts: { list: 'blanks' },
};

const AGENT: Readonly<Record<string, Extra>> = {
  kernel_modules: { list: 'semicolons' },
  enable_tracing: {},
  container_pipe_size: {},
  cdh_api_timeout: {},
  cdh_api_timeout_ms: {},
  policy: {},
};

/** Whose SHA-512 an annotation demands: the file of this key; null for a file that is never used here. */
const HASHES: Readonly<Record<string, 'path' | 'kernel' | 'initrd' | null>> = {
  hypervisor_hash: 'path',
  path_hash: 'path',
  kernel_hash: 'kernel',
  initrd_hash: 'initrd',
  image_hash: null,
  firmware_hash: null,
  firmware_volume_hash: null,
  jailer_hash: null,
  hypervisorctl_hash: null,
};

/** The rule of each annotation that sets a key, by its whole name. */
export const ANNOTATIONS: ReadonlyMap<string, AnnotationRule> = new Map<string, AnnotationRule>([
  ...rules(HYPERVISOR_PREFIX, 'hypervisor.qemu', OWN_NAMES),
  ...Object.entries(OTHER_NAMES).map(([name, [key, extra]]): [string, AnnotationRule] => [
    `${HYPERVISOR_PREFIX}${name}`,
    { section: 'hypervisor.qemu', key, ...extra },
  ]),
  ...rules(`${CONFIG_PREFIX}runtime.`, 'runtime', RUNTIME),
  ...rules(`${CONFIG_PREFIX}agent.`, 'agent.kata', AGENT),
  // Upstream's Go runtime has this one elsewhere than its Rust runtime.
  ['io.katacontainers.enable_vcpus_pinning', { section: 'runtime', key: 'enable_vcpus_pinning' }],
]);

/** Annotations that demand a file's hash, by their whole name. */
export const HASH_ANNOTATIONS: ReadonlyMap<string, 'path' | 'kernel' | 'initrd' | null> = new Map(
  Object.entries(HASHES).map(([name, asset]) => [`${HYPERVISOR_PREFIX}${name}`, asset]),
);

/** The hash's kind; upstream's two runtimes have it in two places. */
export const HASH_TYPES: readonly string[] = [
  'io.katacontainers.asset_hash_type',
  `${HYPERVISOR_PREFIX}asset_hash_type`,
];

/** What asks for hardware that is not served, and why that is refused. */
export const REFUSED_ANNOTATIONS: Readonly<Record<string, string>> = {
  'sgx.intel.com/epc': 'the guest has no Intel SGX enclaves',
  [CONFIG_PATH]: 'a pod does not choose among the files of the host; its RuntimeClass chooses the configuration',
  [`${CONFIG_PREFIX}runtime.shared_mounts`]: 'mounts are not shared between containers',
};

/** Whether any of a sandbox's annotations configures it. */
export function configures(annotations: Readonly<Record<string, string>> | undefined): boolean {
  return Object.keys(configAnnotations(annotations)).length > 0;
}

/** Those of a sandbox's annotations that may shape it. */
export function configAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(annotations ?? {}).filter(
      ([name]) =>
        name.startsWith(CONFIG_PREFIX) ||
        ANNOTATIONS.has(name) ||
        HASH_TYPES.includes(name) ||
        Object.hasOwn(REFUSED_ANNOTATIONS, name),
    ),
  );
}

function rules(
  prefix: string,
  section: AnnotationRule['section'],
  extras: Readonly<Record<string, Extra>>,
): [string, AnnotationRule][] {
  return Object.entries(extras).map(([key, extra]) => [`${prefix}${key}`, { section, key, ...extra }]);
}
