import { CONFIG_PREFIX, HYPERVISOR_PREFIX } from './names.ts';

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
const ownNames = (): Readonly<Record<string, Extra>> => ({
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
});

/** Of the hypervisor, with another name than their key. */
const otherNames = (): Readonly<Record<string, [key: string, extra: Extra]>> => ({
  default_max_vcpus: ['default_maxvcpus', { countsProcessors: true }],
  blk_logical_sector_size: ['block_device_logical_sector_size', {}],
  blk_physical_sector_size: ['block_device_physical_sector_size', {}],
  block_device_num_queues: ['num_queues', {}],
  block_device_queue_size: ['queue_size', {}],
  'prefetch_files.list': ['prefetch_list_path', path],
  cc_init_data: ['initdata', orEmpty],
});

const ofRuntime = (): Readonly<Record<string, Extra>> => ({
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
});

const ofAgent = (): Readonly<Record<string, Extra>> => ({
  kernel_modules: { list: 'semicolons' },
  enable_tracing: {},
  container_pipe_size: {},
  cdh_api_timeout: {},
  cdh_api_timeout_ms: {},
  policy: {},
});

/** Whose SHA-512 an annotation demands: the file of this key; null for a file that is never used here. */
const hashes = (): Readonly<Record<string, HashedAsset>> => ({
  hypervisor_hash: 'path',
  path_hash: 'path',
  kernel_hash: 'kernel',
  initrd_hash: 'initrd',
  image_hash: null,
  firmware_hash: null,
  firmware_volume_hash: null,
  jailer_hash: null,
  hypervisorctl_hash: null,
});

/** Which file's hash an annotation demands; null for a file that is never used here. */
export type HashedAsset = 'path' | 'kernel' | 'initrd' | null;

/** All annotations of upstream's runtimes, by their whole names. */
export interface AnnotationTable {
  /** Those that set a key. */
  rules: ReadonlyMap<string, AnnotationRule>;
  /** Those that demand a file's hash. */
  hashes: ReadonlyMap<string, HashedAsset>;
}

let table: AnnotationTable | undefined;

/** Made when first asked for: few sandboxes have such annotations, and every shim would pay for it. */
export function annotationTable(): AnnotationTable {
  table ??= {
    rules: new Map<string, AnnotationRule>([
      ...rules(HYPERVISOR_PREFIX, 'hypervisor.qemu', ownNames()),
      ...Object.entries(otherNames()).map(([name, [key, extra]]): [string, AnnotationRule] => [
        `${HYPERVISOR_PREFIX}${name}`,
        { section: 'hypervisor.qemu', key, ...extra },
      ]),
      ...rules(`${CONFIG_PREFIX}runtime.`, 'runtime', ofRuntime()),
      ...rules(`${CONFIG_PREFIX}agent.`, 'agent.kata', ofAgent()),
      // Upstream's Go runtime has this one elsewhere than its Rust runtime.
      ['io.katacontainers.enable_vcpus_pinning', { section: 'runtime', key: 'enable_vcpus_pinning' }],
    ]),
    hashes: new Map(Object.entries(hashes()).map(([name, asset]) => [`${HYPERVISOR_PREFIX}${name}`, asset])),
  };
  return table;
}

function rules(
  prefix: string,
  section: AnnotationRule['section'],
  extras: Readonly<Record<string, Extra>>,
): [string, AnnotationRule][] {
  return Object.entries(extras).map(([key, extra]) => [`${prefix}${key}`, { section, key, ...extra }]);
}
