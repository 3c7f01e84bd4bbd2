import { flag, integer, type KeyTable, LOG_LEVELS, strings, text } from './rule.ts';

const acted = { acted: true } as const;
const idle = { idle: true } as const;

/** `[runtime]`. */
export const RUNTIME: KeyTable = {
  name: text('virt_container', { words: ['virt_container'], ...idle }),
  hypervisor_name: text('qemu', acted),
  agent_name: text('kata', { words: ['kata'], ...acted }),
  enable_debug: flag(false, acted),
  log_level: text('info', { ...acted, words: LOG_LEVELS }),
  enable_tracing: flag(),
  enable_pprof: flag(),
  jaeger_endpoint: text('', idle),
  jaeger_user: text('', idle),
  jaeger_password: text('', idle),
  internetworking_model: text('tcfilter', {
    ...acted,
    words: ['none', 'tcfilter', 'macvtap', 'l3forwarding'],
    served: ['tcfilter', 'macvtap', 'none'],
  }),
  disable_new_netns: flag(false, acted),
  dan_conf: text('/run/kata-containers/dans', idle),
  /** Unlike Kata: false by default, so that a profile that was asked for applies. */
  disable_guest_seccomp: flag(false, acted),
  guest_selinux_label: text('', { refused: 'the guest has no SELinux policy, so nothing would be enforced' }),
  sandbox_cgroup_only: flag(false, acted),
  static_sandbox_resource_mgmt: flag(false, acted),
  enable_vcpus_pinning: flag(),
  sandbox_bind_mounts: strings([]),
  shared_mounts: { type: 'tables', default: [] },
  vfio_mode: text('guest-kernel', { words: ['guest-kernel', 'vfio'], ...idle }),
  disable_guest_empty_dir: flag(false, idle),
  emptydir_mode: text('shared-fs', {
    ...idle,
    words: ['shared-fs', 'block-plain', 'block-encrypted'],
    served: ['shared-fs', 'block-plain'],
    refused: 'nothing is encrypted for the guest',
  }),
  experimental: strings([], { refused: 'there is no experimental feature here' }),
  experimental_force_guest_pull: flag(false, { refused: 'the guest pulls no images, the host does' }),
  /** Seconds. */
  create_container_timeout: integer(60, { ...acted, min: 1, max: 86400 }),
  kubelet_root_dir: text('/var/lib/kubelet', idle),
  pod_resource_api_sock: text(''),
  keep_abnormal: flag(),
  use_passfd_io: flag(false, idle),
  passfd_listener_port: integer(1027, { max: 65535, ...idle }),
  // Extension keys of this runtime.
  fix_mtab: text('auto', { ...acted, words: ['auto', 'off'] }),
  rootfs_cache_dir: text('/var/lib/kata-containers/rootfs', acted),
  rootfs_cache_size_mib: integer(8192, acted),
  writable_layer_size_mib: integer(0, acted),
};

/** `[factory]`, and `[hypervisor.<name>.factory]` of upstream's Rust runtime. */
export const FACTORY: KeyTable = {
  /** Unlike Kata: true by default. */
  enable_template: flag(true, acted),
  template_path: text('/run/vc/vm/template', acted),
  vm_cache_number: integer(0, { ...acted, max: 256 }),
  vm_cache_endpoint: text('/var/run/kata-containers/cache.sock', acted),
  // Extension keys of this runtime.
  template_max_number: integer(4, { ...acted, min: 1, max: 64 }),
  template_max_mib: integer(1024, { ...acted, min: 64 }),
};
