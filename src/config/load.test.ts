import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type ErrorCode, KataError } from '../errors/kata-error.ts';
import { loadConfig } from './load.ts';

const MINIMAL = '[hypervisor.qemu]\nkernel = "/k"\ninitrd = "/i"\n';

/** Loads from files in memory; the first is the main one, in /etc. */
function load(main: string, more: Record<string, string> = {}, env: Record<string, string> = {}, explicit?: string) {
  const files: Record<string, string> = { '/etc/kata-containers/configuration.toml': main, ...more };
  return loadConfig({
    explicitPath: explicit,
    env,
    binaryPath: '/opt/kata/bin/kata-runtime',
    readText: (path) => files[path] ?? null,
    listDirectory: (path) => {
      const names = Object.keys(files).filter((name) => name.startsWith(`${path}/`));
      return names.length === 0 ? null : names.map((name) => name.slice(path.length + 1)).reverse();
    },
  });
}

function refused(main: string, code: ErrorCode, ...words: string[]) {
  assert.throws(
    () => load(main),
    (error) => {
      assert.ok(error instanceof KataError, String(error));
      assert.equal(error.code, code);
      for (const word of words) assert.ok(error.line.includes(word), `'${word}' in: ${error.line}`);
      return true;
    },
  );
}

test('a file that names a kernel and an initrd is enough', () => {
  const { config, sources, warnings } = load(MINIMAL);
  assert.deepEqual(sources, ['/etc/kata-containers/configuration.toml']);
  assert.deepEqual(warnings, []);
  assert.equal(config.hypervisor.kernelPath, '/k');
  assert.equal(config.hypervisor.path, 'qemu-system-x86_64');
  assert.equal(config.hypervisor.defaultMemoryMib, 2048);
  assert.equal(config.hypervisor.seccompSandbox, undefined);
  assert.equal(config.agent.dialTimeoutMs, 45000);
  assert.equal(config.runtime.createContainerTimeoutMs, 60000);
  assert.equal(config.runtime.disableGuestSeccomp, false);
  assert.equal(config.runtime.fixMtab, 'auto');
});

test('the file that is shipped loads without a warning and finds the guest beside itself', () => {
  const path = '/opt/kata/share/defaults/kata-containers/configuration.toml';
  const { config, warnings, sources } = loadConfig({
    env: {},
    binaryPath: '/opt/kata/bin/containerd-shim-kata-v2',
    readText: (name) => (name === path ? readFileSync('config/configuration.toml', 'utf8') : null),
    listDirectory: () => null,
  });
  assert.deepEqual(warnings, []);
  assert.deepEqual(sources, [path]);
  assert.equal(config.hypervisor.kernelPath, '/opt/kata/share/kata-containers/vmlinux.container');
  assert.equal(config.hypervisor.initrdPath, '/opt/kata/share/kata-containers/kata-containers-initrd.img');
  assert.equal(config.hypervisor.path, 'qemu-system-x86_64');
  assert.deepEqual(readdirSync('config'), ['configuration.toml']);
});

test('the file that is shipped says the defaults', () => {
  const shipped = load(readFileSync('config/configuration.toml', 'utf8')).config;
  const { hypervisor, ...rest } = load(MINIMAL).config;
  // A file beside the guest, as the kernel is.
  assert.equal(shipped.agent.debugConsoleShell, '/kata-containers/debug-console-shell');
  shipped.agent.debugConsoleShell = rest.agent.debugConsoleShell;
  assert.deepEqual({ agent: shipped.agent, runtime: shipped.runtime, factory: shipped.factory }, rest);
  const { kernelPath: _kernel, initrdPath: _initrd, ...bare } = hypervisor;
  const { kernelPath: _shippedKernel, initrdPath: _shippedInitrd, ...shippedBare } = shipped.hypervisor;
  // Without the line nothing is enabled.
  assert.deepEqual(shippedBare.enableAnnotations.slice(0, 2), ['enable_iommu', 'kernel_params']);
  shippedBare.enableAnnotations = [];
  assert.deepEqual(shippedBare, bare);
});

test('a path given wins over KATA_CONF_FILE, which wins over /etc', () => {
  const files = { '/a.toml': MINIMAL.replace('/k', '/a'), '/b.toml': MINIMAL.replace('/k', '/b') };
  assert.equal(load(MINIMAL, files, { KATA_CONF_FILE: '/b.toml' }, '/a.toml').config.hypervisor.kernelPath, '/a');
  assert.equal(load(MINIMAL, files, { KATA_CONF_FILE: '/b.toml' }).config.hypervisor.kernelPath, '/b');
  assert.equal(load(MINIMAL, files).config.hypervisor.kernelPath, '/k');
});

test('a file that was named and is not there is an error, not a fall-back', () => {
  for (const [env, explicit] of [
    [{ KATA_CONF_FILE: '/nope.toml' }, undefined],
    [{}, '/nope.toml'],
  ] as const)
    assert.throws(
      () => load(MINIMAL, {}, env, explicit),
      (error) => error instanceof KataError && error.code === 'not-found' && error.message.includes('/nope.toml'),
    );
});

test('when there is none, every place that was looked at is named', () => {
  assert.throws(
    () => loadConfig({ env: {}, binaryPath: '/opt/kata/bin/x', readText: () => null, listDirectory: () => null }),
    (error) =>
      error instanceof KataError &&
      error.message.includes('/etc/kata-containers/configuration.toml') &&
      error.message.includes('/opt/kata/share/defaults/kata-containers/configuration.toml'),
  );
});

test('drop-ins are stronger than the main file, the later in the alphabet the stronger', () => {
  const { config, sources } = load(MINIMAL, {
    '/etc/kata-containers/config.d/10-a.toml':
      '[hypervisor.qemu]\ndefault_memory = 512\nkernel = "k"\n[runtime]\nenable_debug = true',
    '/etc/kata-containers/config.d/20-b.toml': '[hypervisor.qemu]\ndefault_memory = 1024',
    '/etc/kata-containers/config.d/notes.txt': 'not toml',
  });
  assert.equal(config.hypervisor.defaultMemoryMib, 1024);
  assert.equal(config.hypervisor.kernelPath, '/etc/kata-containers/config.d/k');
  assert.equal(config.runtime.enableDebug, true);
  assert.deepEqual(
    sources.map((path) => path.split('/').at(-1)),
    ['configuration.toml', '10-a.toml', '20-b.toml'],
  );
});

test('a key that is mistyped is named with its line and the one that was meant', () => {
  const { warnings } = load(`${MINIMAL}default_vcpu = 2\n[runtme]\nx = 1\n[hypervisor.quemu]\n`);
  assert.equal(warnings.length, 3);
  assert.match(warnings[0]!, /configuration\.toml:4: unknown key default_vcpu .*did you mean default_vcpus\?/);
  assert.match(warnings[1]!, /configuration\.toml:7: .*\[hypervisor\.quemu\].*did you mean \[hypervisor\.qemu\]/);
  assert.match(warnings[2]!, /configuration\.toml:5: .*\[runtme\].*did you mean \[runtime\]/);
});

test('a key that is known but has no effect yet is named, unless it says what holds anyway', () => {
  const { warnings, config } = load(
    `${MINIMAL}shared_fs = "virtio-fs"\nvirtio_fs_cache = "always"\nenable_numa = true\nenable_iommu = false\n` +
      `[runtime]\nsandbox_bind_mounts = ["/a"]\n[hypervisor.clh]\nrootless = true\n` +
      `[agent.kata.mem_agent]\ncompact_force_times = 9223372036854775807\n`,
  );
  assert.deepEqual(warnings, [
    '/etc/kata-containers/configuration.toml:4: shared_fs = "virtio-fs" in [hypervisor.qemu] is not acted on yet; "none" holds',
    '/etc/kata-containers/configuration.toml:6: enable_numa = true in [hypervisor.qemu] is not acted on yet; false holds',
    '/etc/kata-containers/configuration.toml:9: sandbox_bind_mounts = ["/a"] in [runtime] is not acted on yet; [] holds',
  ]);
  assert.equal(config.hypervisor.sharedFs, 'none');
});

test('a value that a key cannot hold is refused with its line', () => {
  refused(`${MINIMAL}default_memory = "2G"`, 'invalid-argument', ':4:', 'default_memory', 'a whole number', '"2G"');
  refused(`${MINIMAL}default_memory = 16`, 'invalid-argument', ':4:', 'from 256', 'found 16');
  refused(`${MINIMAL}enable_debug = 1`, 'invalid-argument', ':4:', 'true or false', 'found 1');
  refused(`${MINIMAL}accelerator = "hvf"`, 'invalid-argument', ':4:', '"kvm"', '"hvf"');
  refused(`${MINIMAL}cpu_features = ["pmu=off"]`, 'invalid-argument', ':4:', 'a string');
  refused(`${MINIMAL}[agent.kata]\nkernel_modules = ["a", 1]`, 'invalid-argument', ':5:', 'a list of strings');
});

test('a file that is not TOML is refused with line and column', () => {
  refused('[hypervisor.qemu]\nkernel = /k\n', 'invalid-argument', 'configuration.toml:2:10', 'TOML');
  refused('a = 1\na = 2\n', 'invalid-argument', 'configuration.toml:2');
});

test('without a kernel, an initrd or a hypervisor that is served, the error says which is missing', () => {
  refused('[runtime]\n', 'invalid-argument', '[hypervisor.qemu]');
  refused('[hypervisor.qemu]\nkernel = "/k"\n', 'invalid-argument', 'initrd');
  refused('[hypervisor.qemu]\nkernel = "/k"\nimage = "/x"', 'unimplemented', ':3:', 'initrd');
  refused(`${MINIMAL}image = "/x"`, 'invalid-argument', ':4:', 'either image or initrd', '/x', '/i');
  refused('[hypervisor.clh]\nkernel = "/k"', 'unimplemented', 'clh');
  refused(`${MINIMAL}[hypervisor.clh]\n[runtime]\nhypervisor_name = "clh"`, 'unimplemented', 'clh');
});

test('units and shapes are those of the typed configuration', () => {
  const { config, warnings } = load(
    `${MINIMAL}default_vcpus = 1.5\nkernel_params = " a=1  b "\nseccomp_sandbox = ""\npath = "bin/qemu"\n` +
      `[agent.kata]\nreconnect_timeout_ms = 2000\nlaunch_process_timeout = 7\nkernel_modules = ["loop max_loop=8", ""]\n`,
  );
  assert.deepEqual(warnings, []);
  assert.equal(config.hypervisor.defaultVcpus, 2);
  assert.deepEqual(config.hypervisor.kernelParams, ['a=1', 'b']);
  assert.equal(config.hypervisor.seccompSandbox, '');
  assert.equal(config.hypervisor.path, '/etc/kata-containers/bin/qemu');
  assert.equal(config.agent.dialTimeoutMs, 2000);
  assert.equal(config.agent.launchProcessTimeoutMs, 7000);
  assert.deepEqual(config.agent.kernelModules, [{ name: 'loop', parameters: ['max_loop=8'] }]);
  assert.equal(load(`${MINIMAL}default_vcpus = -1`).config.hypervisor.defaultVcpus, 0);
  assert.equal(load(`${MINIMAL}default_vcpus = 0`).config.hypervisor.defaultVcpus, 1);
});

test('a file of upstream for QEMU loads; what it asks for beyond us is said', () => {
  const { warnings } = load(
    [
      '[hypervisor.qemu]\npath = "/usr/bin/qemu-system-x86_64"\nkernel = "/k"\ninitrd = "/i"\nmachine_type = "q35"',
      'enable_annotations = ["enable_iommu"]\nshared_fs = "virtio-fs"\nvirtio_fs_daemon = "/usr/libexec/virtiofsd"',
      'virtio_fs_extra_args = ["--thread-pool-size=1"]\nblock_device_driver = "virtio-scsi"\nenable_vhost_user_store = false',
      'valid_vhost_user_store_paths = ["/var/run/x"]\n[factory]\nenable_template = true\n[agent.kata]\nkernel_modules=[]',
      '[runtime]\ninternetworking_model="tcfilter"\ndisable_guest_seccomp=true\nsandbox_cgroup_only=false\nexperimental=[]',
    ].join('\n'),
  );
  assert.deepEqual(
    warnings.map((warning) => warning.split(': ')[1]),
    ['shared_fs = "virtio-fs" in [hypervisor.qemu] is not acted on yet; "none" holds'],
  );
});

test('a network by forwarding is not served, and said to be replaced; without a namespace there is no network', () => {
  const forwarding = load(`${MINIMAL}[runtime]\ninternetworking_model = "l3forwarding"\n`);
  assert.equal(forwarding.config.runtime.internetworkingModel, 'tcfilter');
  assert.match(
    forwarding.warnings[0]!,
    /internetworking_model = "l3forwarding" in \[runtime\] is not acted on yet; "tcfilter" holds/,
  );
  const none = load(`${MINIMAL}[runtime]\ninternetworking_model = "none"\ndisable_new_netns = true\n`).config.runtime;
  assert.deepEqual([none.internetworkingModel, none.disableNewNetns], ['none', true]);
  assert.throws(
    () => load(`${MINIMAL}[runtime]\ndisable_new_netns = true\n`),
    /disable_new_netns = true in \[runtime\] is expected with internetworking_model = "none", found "tcfilter"/,
  );
});

test('the factory of upstream’s Rust runtime, within the hypervisor, is read too; the one outside is stronger', () => {
  const within = `${MINIMAL}[hypervisor.qemu.factory]\nenable_template = false\ntemplate_path = "/t"\n`;
  const { factory } = load(within).config;
  assert.equal(factory.enableTemplate, false);
  assert.equal(factory.templatePath, '/t');
  assert.equal(load(`${within}[factory]\nvm_cache_number = 3\n`).config.factory.vmCacheNumber, 3);
  assert.equal(load(`${within}[factory]\nvm_cache_number = 3\n`).config.factory.enableTemplate, true);
});

test('VMs are clones of a template unless the configuration says otherwise', () => {
  assert.deepEqual(load(MINIMAL).config.factory, {
    enableTemplate: true,
    templatePath: '/run/vc/vm/template',
    templateMaxNumber: 4,
    templateMaxMib: 1024,
    vmCacheNumber: 0,
    vmCacheEndpoint: '/var/run/kata-containers/cache.sock',
  });
});

test('what would protect somebody and cannot be served is refused with its line and the reason', () => {
  const cases: [line: number, text: string, ...words: string[]][] = [
    [4, 'confidential_guest = true', 'confidential_guest = true', 'neither AMD SEV-SNP nor Intel TDX'],
    [4, 'sev_snp_guest = true', 'SEV-SNP'],
    [4, 'snp_id_block = "abc"', 'SEV-SNP'],
    [4, 'initdata = "abc"', 'TDX'],
    [4, 'rootless = true', 'runs as root'],
    [4, 'firmware = "/OVMF.fd"', 'qboot'],
    [4, 'pflashes = ["/a"]', 'qboot'],
    [4, 'machine_type = "virt"', 'q35'],
    [4, 'kernel_verity_params = "root_hash=1"', 'dm-verity'],
    [4, 'disable_guest_selinux = false', 'SELinux'],
    [4, '[[hypervisor.qemu.guest_extension_images]]\nname = "devkit"', 'initrd'],
    [5, '[agent.kata]\npolicy = "cGFja2FnZQ=="', 'policy engine'],
    [5, '[runtime]\nexperimental = ["force_guest_pull"]', 'experimental'],
    [5, '[runtime]\nexperimental_force_guest_pull = true', 'pulls no images'],
    [5, '[runtime]\nemptydir_mode = "block-encrypted"', 'encrypted'],
    [5, '[runtime]\nguest_selinux_label = "a"', 'SELinux'],
  ];
  for (const [line, text, ...words] of cases)
    refused(`${MINIMAL}${text}`, 'unimplemented', `configuration.toml:${line}:`, ...words);
});

test('what it is set to anyway is not refused, and what other hypervisors are told is theirs', () => {
  const { warnings } = load(
    `${MINIMAL}confidential_guest = false\nfirmware = ""\nmachine_type = "q35"\n[hypervisor.clh]\nconfidential_guest = true\n` +
      `[runtime]\nexperimental = []\nemptydir_mode = "shared-fs"\n`,
  );
  assert.deepEqual(warnings, []);
});

test('a pattern for annotations that is none is refused with its line', () => {
  refused(`${MINIMAL}enable_annotations = ["["]`, 'invalid-argument', ':4:', 'regular expressions', '"["');
});

test('what upstream’s Rust runtime spells otherwise than its Go runtime is heard too', () => {
  const debug = (text: string) => {
    const { hypervisor, agent, runtime } = load(`${MINIMAL}${text}`).config;
    return [hypervisor.enableDebug, agent.enableDebug, runtime.enableDebug];
  };
  assert.deepEqual(debug('log_level = "debug"\n[agent.kata]\nlog_level = "info"'), [true, false, false]);
  assert.deepEqual(debug('[agent.kata]\nlog_level = "trace"\n[runtime]\nlog_level = "debug"'), [false, true, true]);
  assert.deepEqual(debug('log_level = "warn"\nenable_debug = true'), [true, false, false]);
  const timeout = (text: string) => load(`${MINIMAL}${text}`).config.runtime.createContainerTimeoutMs;
  assert.equal(timeout('[agent.kata]\ncreate_container_timeout = 5'), 5000);
  assert.equal(timeout('[agent.kata]\ncreate_container_timeout = 5\n[runtime]\ncreate_container_timeout = 7'), 7000);
  assert.equal(timeout(''), 60_000);
});
