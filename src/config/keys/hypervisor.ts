import { flag, integer, type KeyTable, LOG_LEVELS, number, strings, tables, text } from './rule.ts';

/** The hypervisors that upstream's files configure; this runtime serves QEMU. */
export const HYPERVISORS = [
  'qemu',
  'clh',
  'cloud-hypervisor',
  'firecracker',
  'dragonball',
  'stratovirt',
  'openvmm',
  'remote',
  'acrn',
] as const;

const acted = { acted: true } as const;
const idle = { idle: true } as const;
const NO_FIRMWARE = 'QEMU starts the kernel by its own qboot, no other firmware is loaded';
const NO_TEE = 'the guest is not encrypted here: neither AMD SEV-SNP nor Intel TDX is served';
const NO_SELINUX = 'the guest has no SELinux policy, so nothing would be enforced';
const PORTS = ['no-port', 'bridge-port', 'root-port', 'switch-port'] as const;

/** `[hypervisor.qemu]` and its siblings. As upstream's parser, each takes the keys of all. */
export const HYPERVISOR: KeyTable = {
  // What is started.
  path: text('qemu-system-x86_64', acted),
  kernel: text('', acted),
  initrd: text('', acted),
  /** Instead of an initrd; checked with it. */
  image: text('', acted),
  kernel_params: text('', acted),
  kernel_verity_params: text('', { refused: 'the guest is an initrd, which dm-verity does not measure' }),
  rootfs_type: text('ext4', { words: ['ext4', 'xfs', 'erofs'], ...idle }),
  firmware: text('', { refused: NO_FIRMWARE }),
  firmware_volume: text('', { refused: NO_FIRMWARE }),
  pflashes: strings([], { refused: NO_FIRMWARE }),
  machine_type: text('q35', { ...acted, served: ['q35'], refused: 'only the machine q35 is served' }),
  machine_accelerators: text('', acted),
  cpu_features: text('pmu=off', acted),
  /** What an annotation may name, as shell patterns. Unset: nothing. */
  valid_hypervisor_paths: strings([], acted),
  valid_ctlpaths: strings([], acted),
  valid_jailer_paths: strings([], acted),
  jailer_path: text(''),
  ctlpath: text(''),
  // Size.
  default_vcpus: number(1, { ...acted, min: -1024, max: 1024 }),
  default_maxvcpus: integer(0, { ...acted, max: 1024 }),
  default_memory: integer(2048, { ...acted, min: 256, max: 16 * 1024 * 1024 }),
  default_maxmemory: integer(0, { ...acted, max: 16 * 1024 * 1024 }),
  memory_slots: integer(10, { ...acted, max: 255 }),
  memory_offset: integer(0),
  overhead_vcpus: number(0.2, { min: 0 }),
  overhead_memory: integer(32),
  enable_mem_prealloc: flag(),
  enable_hugepages: flag(),
  hugepage_type: text('hugetlbfs', { words: ['hugetlbfs', 'thp'], ...idle }),
  enable_virtio_mem: flag(),
  reclaim_guest_freed_memory: flag(false, acted),
  enable_guest_swap: flag(),
  guest_swap_path: text('/run/kata-containers/swap', idle),
  guest_swap_size_percent: integer(100, idle),
  guest_swap_create_threshold_secs: integer(60, idle),
  enable_numa: flag(),
  numa_mapping: strings([]),
  // Safety.
  seccompsandbox: text(undefined, acted),
  seccomp_sandbox: text(undefined, acted),
  disable_seccomp: flag(),
  rootless: flag(false, { refused: 'QEMU runs as root, within its system call filter' }),
  /** Regular expressions for names of annotations behind `io.katacontainers.config.hypervisor.`. Unset: none. */
  enable_annotations: strings([], acted),
  disable_selinux: flag(false, idle),
  disable_guest_selinux: flag(true, { refused: NO_SELINUX }),
  selinux_label: text('', { refused: 'QEMU is not given an SELinux label' }),
  disable_nesting_checks: flag(false, idle),
  disable_nested_virtualization: flag(),
  // Files.
  shared_fs: text('none', {
    ...acted,
    words: ['none', 'virtio-fs', 'virtio-fs-nydus', 'virtio-9p', 'inline-virtio-fs'],
    served: ['none'],
  }),
  virtio_fs_daemon: text(undefined, idle),
  valid_virtio_fs_daemon_paths: strings([], acted),
  virtio_fs_cache: text('auto', { words: ['never', 'metadata', 'auto', 'always'], ...idle }),
  virtio_fs_cache_size: integer(0, idle),
  virtio_fs_is_dax: flag(false, idle),
  virtio_fs_queue_size: integer(1024, idle),
  virtio_fs_extra_args: strings(undefined, idle),
  msize_9p: integer(8192, idle),
  block_device_driver: text('virtio-scsi', {
    ...acted,
    words: [
      'virtio-scsi',
      'virtio-blk',
      'virtio-blk-pci',
      'virtio-blk-mmio',
      'virtio-blk-ccw',
      'virtio-mmio',
      'virtio-pmem',
      'nvdimm',
    ],
    served: ['virtio-scsi'],
  }),
  vm_rootfs_driver: text(undefined, idle),
  block_device_aio: text('threads', { ...acted, words: ['io_uring', 'threads', 'native'] }),
  block_device_cache_set: flag(false, acted),
  block_device_cache_direct: flag(false, acted),
  block_device_cache_noflush: flag(false, acted),
  block_device_logical_sector_size: integer(0, { max: 65536 }),
  block_device_physical_sector_size: integer(0, { max: 65536 }),
  disable_block_device_use: flag(false),
  disable_image_nvdimm: flag(false, idle),
  enable_iothreads: flag(false, acted),
  indep_iothreads: integer(0),
  queue_size: integer(128, idle),
  num_queues: integer(1, idle),
  guest_extension_images: tables({ refused: 'the guest is one initrd, no image is added to it' }),
  memory_path: text('', idle),
  device_state_path: text('', idle),
  prefetch_list_path: text(''),
  boot_to_be_template: flag(),
  boot_from_template: flag(),
  // Devices.
  default_bridges: integer(1, { max: 5, ...idle }),
  entropy_source: text('/dev/urandom', acted),
  valid_entropy_sources: strings(['/dev/urandom', '/dev/random', ''], acted),
  enable_vhost_user_store: flag(),
  vhost_user_store_path: text(undefined, idle),
  valid_vhost_user_store_paths: strings([], acted),
  vhost_user_reconnect_timeout_sec: integer(0, idle),
  enable_iommu: flag(),
  enable_iommu_platform: flag(),
  hot_plug_vfio: text('no-port', { words: PORTS }),
  cold_plug_vfio: text('no-port', { words: PORTS }),
  pcie_root_port: integer(0, { max: 16 }),
  pcie_switch_port: integer(0, { max: 16 }),
  use_legacy_serial: flag(false, idle),
  // Network and rates.
  disable_vhost_net: flag(false, acted),
  network_queues: integer(1, idle),
  /** Bits a second. */
  rx_rate_limiter_max_rate: integer(0, acted),
  tx_rate_limiter_max_rate: integer(0, acted),
  net_rate_limiter_bw_max_rate: integer(0),
  net_rate_limiter_bw_one_time_burst: integer(0),
  net_rate_limiter_ops_max_rate: integer(0),
  net_rate_limiter_ops_one_time_burst: integer(0),
  disk_rate_limiter_bw_max_rate: integer(0),
  disk_rate_limiter_bw_one_time_burst: integer(0),
  disk_rate_limiter_ops_max_rate: integer(0),
  disk_rate_limiter_ops_one_time_burst: integer(0),
  // Looking inside.
  enable_debug: flag(false, acted),
  hypervisor_loglevel: integer(1, { max: 3, ...idle }),
  log_level: text('info', { ...acted, words: LOG_LEVELS }),
  extra_monitor_socket: text('', { words: ['', 'hmp', 'qmp', 'qmp-pretty'] }),
  guest_memory_dump_path: text(''),
  guest_memory_dump_paging: flag(false, idle),
  guest_hook_path: text('', acted),
  // Confidential guests.
  confidential_guest: flag(false, { refused: NO_TEE }),
  sev_snp_guest: flag(false, { refused: NO_TEE }),
  snp_id_block: text('', { refused: NO_TEE }),
  snp_id_auth: text('', { refused: NO_TEE }),
  snp_guest_policy: integer(196608, idle),
  measurement_algo: text('sha512', idle),
  tdx_quote_generation_service_socket_port: integer(4050, idle),
  initdata: text('', { refused: NO_TEE }),
  default_gpus: integer(0),
  default_gpu_model: text(''),
  // Remote.
  remote_hypervisor_socket: text('/run/peerpod/hypervisor.sock', idle),
  remote_hypervisor_timeout: integer(600, idle),
  // Extension keys of this runtime.
  accelerator: text('auto', { ...acted, words: ['auto', 'kvm', 'tcg'] }),
  tcg_tb_size_mib: integer(64, { ...acted, min: 1, max: 4096 }),
};

/** `[hypervisor.<name>.rootless_user]`: whom a rootless hypervisor runs as. */
export const ROOTLESS_USER: KeyTable = {
  uid: integer(0, idle),
  gid: integer(0, idle),
  groups: { type: 'integers', ...idle },
  user_name: text('', idle),
};
