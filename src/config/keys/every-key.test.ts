// Every key of upstream's two runtimes (kata-facts §5), by both spellings, with its type, default and range.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../load.ts';
import { HYPERVISORS } from './hypervisor.ts';
import type { KeyRule, ValueType } from './rule.ts';
import { sectionKeys } from './sections.ts';

/** `section key type default`, the default in JSON; `-` where upstream's build decides, `*` where ours differs on purpose. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  'hypervisor.qemu': [
    ...[
      'path string *',
      'kernel string ""',
      'image string ""',
      'initrd string ""',
      'valid_hypervisor_paths strings []',
    ],
    ...['valid_ctlpaths strings []', 'valid_jailer_paths strings []', 'jailer_path string ""', 'ctlpath string ""'],
    ...['rootfs_type string "ext4"', 'kernel_params string ""', 'kernel_verity_params string ""'],
    ...['firmware string ""', 'firmware_volume string ""', 'machine_type string "q35"'],
    ...['machine_accelerators string ""', 'cpu_features string "pmu=off"', 'pflashes strings []'],
    ...[
      'rootless boolean false',
      'seccompsandbox string -',
      'seccomp_sandbox string -',
      'disable_seccomp boolean false',
    ],
    ...['enable_annotations strings []', 'default_vcpus number 1', 'default_maxvcpus integer 0'],
    ...['default_memory integer 2048', 'memory_slots integer 10', 'default_maxmemory integer 0'],
    ...['memory_offset integer 0', 'overhead_vcpus number 0.2', 'overhead_memory integer 32'],
    ...['default_bridges integer 1', 'enable_mem_prealloc boolean false', 'enable_hugepages boolean false'],
    ...['enable_virtio_mem boolean false', 'reclaim_guest_freed_memory boolean false'],
    ...['hugepage_type string "hugetlbfs"', 'enable_guest_swap boolean false'],
    ...['guest_swap_path string "/run/kata-containers/swap"', 'guest_swap_size_percent integer 100'],
    ...['guest_swap_create_threshold_secs integer 60', 'shared_fs string *', 'virtio_fs_daemon string -'],
    ...['valid_virtio_fs_daemon_paths strings []', 'virtio_fs_cache string "auto"', 'virtio_fs_cache_size integer 0'],
    ...['virtio_fs_is_dax boolean false', 'virtio_fs_queue_size integer 1024', 'virtio_fs_extra_args strings -'],
    ...['msize_9p integer 8192', 'block_device_driver string "virtio-scsi"', 'vm_rootfs_driver string -'],
    ...['block_device_aio string *', 'block_device_cache_set boolean false', 'block_device_cache_direct boolean false'],
    ...['block_device_cache_noflush boolean false', 'block_device_logical_sector_size integer 0'],
    ...['block_device_physical_sector_size integer 0', 'disable_block_device_use boolean *'],
    ...['disable_image_nvdimm boolean false', 'queue_size integer 128', 'num_queues integer 1'],
    ...['network_queues integer 1', 'enable_iothreads boolean false', 'indep_iothreads integer 0'],
    ...['enable_vhost_user_store boolean false', 'vhost_user_store_path string -'],
    ...['valid_vhost_user_store_paths strings []', 'vhost_user_reconnect_timeout_sec integer 0'],
    ...['enable_iommu boolean false', 'enable_iommu_platform boolean false', 'enable_numa boolean false'],
    ...['numa_mapping strings []', 'hot_plug_vfio string "no-port"', 'cold_plug_vfio string "no-port"'],
    ...['pcie_root_port integer 0', 'pcie_switch_port integer 0', 'disable_vhost_net boolean false'],
    ...['rx_rate_limiter_max_rate integer 0', 'tx_rate_limiter_max_rate integer 0'],
    ...['bw_max_rate', 'bw_one_time_burst', 'ops_max_rate', 'ops_one_time_burst'].flatMap((name) => [
      `net_rate_limiter_${name} integer 0`,
      `disk_rate_limiter_${name} integer 0`,
    ]),
    ...['entropy_source string "/dev/urandom"', 'valid_entropy_sources strings ["/dev/urandom","/dev/random",""]'],
    ...['guest_hook_path string ""', 'enable_debug boolean false', 'hypervisor_loglevel integer 1'],
    ...['log_level string "info"', 'extra_monitor_socket string ""', 'guest_memory_dump_path string ""'],
    ...['guest_memory_dump_paging boolean false', 'disable_nesting_checks boolean false'],
    ...['disable_nested_virtualization boolean false', 'use_legacy_serial boolean false'],
    ...['disable_selinux boolean false', 'disable_guest_selinux boolean true', 'selinux_label string ""'],
    ...['confidential_guest boolean false', 'sev_snp_guest boolean false', 'snp_id_block string ""'],
    ...['snp_id_auth string ""', 'snp_guest_policy integer 196608', 'measurement_algo string "sha512"'],
    ...['tdx_quote_generation_service_socket_port integer 4050', 'initdata string ""'],
    ...['remote_hypervisor_socket string "/run/peerpod/hypervisor.sock"', 'remote_hypervisor_timeout integer 600'],
    ...['guest_extension_images tables []', 'boot_to_be_template boolean false', 'boot_from_template boolean false'],
    ...['memory_path string ""', 'device_state_path string ""', 'prefetch_list_path string ""'],
    ...['default_gpus integer 0', 'default_gpu_model string ""'],
  ],
  'hypervisor.qemu.rootless_user': [...['uid integer 0', 'gid integer 0', 'groups integers -', 'user_name string ""']],
  factory: [
    ...['enable_template boolean *', 'template_path string "/run/vc/vm/template"', 'vm_cache_number integer 0'],
    'vm_cache_endpoint string "/var/run/kata-containers/cache.sock"',
  ],
  'agent.kata': [
    ...['enable_debug boolean false', 'enable_tracing boolean false', 'debug_console_enabled boolean false'],
    ...['kernel_modules strings []', 'dial_timeout integer 45', 'dial_timeout_ms integer 10'],
    ...['reconnect_timeout_ms integer 3000', 'health_check_request_timeout_ms integer 90000'],
    ...['cdh_api_timeout integer 50', 'cdh_api_timeout_ms integer 50000', 'launch_process_timeout integer 0'],
    ...['visible_cdi_devices boolean false', 'server_port integer 1024', 'log_port integer 1025'],
    ...['passfd_listener_port integer 1027', 'container_pipe_size integer 0', 'log_level string "info"'],
    ...['policy string ""', 'create_container_timeout integer 30'],
  ],
  'agent.kata.mem_agent': [
    ...['mem_agent_enable boolean false', 'memcg_disable boolean false', 'memcg_swap boolean false'],
    ...['memcg_swappiness_max integer 50', 'memcg_period_secs integer 600', 'memcg_period_psi_percent_limit integer 1'],
    ...['memcg_eviction_psi_percent_limit integer 1', 'memcg_eviction_run_aging_count_min integer 3'],
    ...[
      'compact_disable boolean false',
      'compact_period_secs integer 600',
      'compact_period_psi_percent_limit integer 1',
    ],
    ...['compact_psi_percent_limit integer 5', 'compact_sec_max integer 300', 'compact_order integer 9'],
    ...['compact_threshold integer 1024', 'compact_force_times integer 9223372036854775807'],
  ],
  runtime: [
    ...['enable_debug boolean false', 'enable_tracing boolean false', 'enable_pprof boolean false'],
    ...['jaeger_endpoint string ""', 'jaeger_user string ""', 'jaeger_password string ""'],
    ...['internetworking_model string *', 'disable_new_netns boolean false', 'disable_guest_seccomp boolean *'],
    ...[
      'sandbox_cgroup_only boolean *',
      'static_sandbox_resource_mgmt boolean *',
      'enable_vcpus_pinning boolean false',
    ],
    ...['sandbox_bind_mounts strings []', 'vfio_mode string "guest-kernel"', 'disable_guest_empty_dir boolean *'],
    ...['emptydir_mode string "shared-fs"', 'experimental strings []', 'create_container_timeout integer 60'],
    ...['dan_conf string "/run/kata-containers/dans"', 'kubelet_root_dir string "/var/lib/kubelet"'],
    ...[
      'pod_resource_api_sock string ""',
      'guest_selinux_label string ""',
      'experimental_force_guest_pull boolean false',
    ],
    ...['name string "virt_container"', 'hypervisor_name string "qemu"', 'agent_name string "kata"'],
    ...['log_level string "info"', 'keep_abnormal boolean false', 'shared_mounts tables []'],
    ...['use_passfd_io boolean *', 'passfd_listener_port integer 1027'],
  ],
};

const rows = Object.entries(KEYS).flatMap(([section, lines]) =>
  lines.map((line) => {
    const [key = '', type = '', ...rest] = line.split(' ');
    return { section, key, type: type as ValueType, byDefault: rest.join(' ') };
  }),
);

const json = (value: unknown): string =>
  typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? 'undefined');

test('every key of upstream is known, of its type, with its default', () => {
  assert.ok(rows.length > 190, `${rows.length} keys`);
  for (const { section, key, type, byDefault } of rows) {
    const rule = sectionKeys(section)?.[key];
    assert.ok(rule, `${key} in [${section}] is not known`);
    assert.equal(rule.type, type, `${section}.${key}`);
    if (byDefault === '*') continue;
    if (byDefault === '-') assert.equal(rule.default, undefined, `${section}.${key}`);
    else assert.equal(json(rule.default), byDefault, `${section}.${key}`);
  }
});

test('each hypervisor takes the keys of all, and has its own factory', () => {
  for (const name of HYPERVISORS) {
    assert.equal(sectionKeys(`hypervisor.${name}`), sectionKeys('hypervisor.qemu'), name);
    assert.equal(sectionKeys(`hypervisor.${name}.factory`), sectionKeys('factory'), name);
  }
});

/** A value of each type, in TOML, and what it is called in the error when the key is of another type. */
const WRONG: Readonly<Record<ValueType, readonly string[]>> = {
  string: ['1', 'true', '["a"]'],
  boolean: ['"true"', '1'],
  integer: ['"1"', 'true', '1.5'],
  number: ['"1"', 'true'],
  strings: ['"a"', '[1]', 'true'],
  integers: ['"a"', '["a"]', '1'],
  tables: ['1', '["a"]'],
};

const FILE = '/etc/kata-containers/configuration.toml';
const load = (text: string) =>
  loadConfig({
    env: {},
    binaryPath: '/opt/kata/bin/x',
    readText: (path) => (path === FILE ? text : null),
    listDirectory: () => null,
  });

test('a value of another type is refused for every key, with file, line, expected and found', () => {
  for (const { section, key, type } of rows)
    for (const value of WRONG[type])
      assert.throws(
        () => load(`[${section}]\n${key} = ${value}\n`),
        (error: Error) => {
          assert.match(
            error.message,
            /^\/etc\/kata-containers\/configuration\.toml:2: \S+ in \[.*\]: expected .*, found /,
          );
          return true;
        },
        `${section}.${key} = ${value}`,
      );
});

test('a number beyond its range is refused for every key that has one', () => {
  const beyond = (rule: KeyRule): number[] => [
    ...(rule.min === undefined ? [] : [rule.min - 1]),
    ...(rule.max === undefined ? [] : [rule.max + 1]),
  ];
  let tried = 0;
  for (const { section, key } of rows)
    for (const value of beyond(sectionKeys(section)![key]!)) {
      assert.throws(
        () => load(`[${section}]\n${key} = ${value}\n`),
        /:2: \S+ in .*: expected .* found /,
        `${section}.${key}`,
      );
      tried++;
    }
  assert.ok(tried > 70, `${tried} values`);
  const ranged = { pcie_root_port: 16, pcie_switch_port: 16, default_bridges: 5, hypervisor_loglevel: 3 };
  for (const [key, most] of Object.entries(ranged)) assert.equal(sectionKeys('hypervisor.qemu')![key]!.max, most, key);
  assert.equal(sectionKeys('hypervisor.qemu')!.default_memory!.min, 256);
});

test('a word that is none of a key’s words is refused for every key that has some', () => {
  const worded = rows.filter(({ section, key }) => sectionKeys(section)![key]!.words !== undefined);
  assert.ok(worded.length > 10);
  for (const { section, key } of worded)
    assert.throws(() => load(`[${section}]\n${key} = "nonsense"\n`), /expected one of .* found "nonsense"/, key);
});
