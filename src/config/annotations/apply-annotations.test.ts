// What a pod's annotations may change, and what they may not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ErrorCode, KataError } from '../../errors/kata-error.ts';
import { sectionKeys } from '../keys/sections.ts';
import { loadConfig } from '../load.ts';
import { annotationTable } from './annotation-table.ts';
import { configAnnotations, configures } from './names.ts';

const FILE = '/etc/kata-containers/configuration.toml';
const HYPERVISOR = 'io.katacontainers.config.hypervisor.';
const RUNTIME = 'io.katacontainers.config.runtime.';
const AGENT = 'io.katacontainers.config.agent.';
const HASH = 'ab'.repeat(64);
const ALL = 'enable_annotations = [".*"]';

/** A configuration that enables everything, unless `more` says otherwise. */
function load(annotations: Record<string, string>, more = ALL) {
  const text = `[hypervisor.qemu]\nkernel = "/k"\ninitrd = "/i"\n${more}\n`;
  return loadConfig({
    env: {},
    binaryPath: '/opt/kata/bin/x',
    readText: (path) => (path === FILE ? text : null),
    listDirectory: () => null,
    annotations,
    hostProcessors: 4,
  });
}

const of = (names: Record<string, string>, more?: string) =>
  load(Object.fromEntries(Object.entries(names).map(([name, value]) => [`${HYPERVISOR}${name}`, value])), more);

function refused(work: () => unknown, code: ErrorCode, ...words: string[]) {
  assert.throws(work, (error) => {
    assert.ok(error instanceof KataError, String(error));
    assert.equal(error.code, code, error.line);
    for (const word of words) assert.ok(error.line.includes(word), `'${word}' in: ${error.line}`);
    return true;
  });
}

test('every annotation of upstream sets a key that is known', () => {
  const { rules } = annotationTable();
  assert.ok(rules.size > 75, `${rules.size}`);
  for (const [name, { section, key, allowedBy }] of rules) {
    assert.ok(configures({ [name]: '' }), name);
    assert.ok(sectionKeys(section)?.[key], `${name}: ${section}.${key}`);
    if (allowedBy !== undefined) assert.equal(sectionKeys(section)?.[allowedBy]?.type, 'strings', allowedBy);
  }
});

test('annotations of the hypervisor are refused unless a pattern enables them', () => {
  const asked = { default_memory: '512' };
  refused(() => of(asked, ''), 'permission-denied', `${HYPERVISOR}default_memory is not enabled`, 'enable_annotations');
  refused(() => of(asked, 'enable_annotations = ["default_vcpus"]'), 'permission-denied', 'default_memory');
  for (const pattern of ['default_memory', 'default_.*', 'memory', '^default_memory$', '.*'])
    assert.equal(
      of(asked, `enable_annotations = ["x", "${pattern}"]`).config.hypervisor.defaultMemoryMib,
      512,
      pattern,
    );
});

test('one that nobody knows is refused as well unless it is enabled, and then told with the one that was meant', () => {
  refused(() => of({ default_memroy: '512' }, ''), 'permission-denied', 'default_memroy');
  const { warnings } = of({ default_memroy: '512' });
  assert.deepEqual(warnings, [
    `unknown annotation ${HYPERVISOR}default_memroy is ignored; did you mean ${HYPERVISOR}default_memory?`,
  ]);
});

test('annotations of runtime and agent need no enabling, as upstream’s', () => {
  const { config } = load(
    {
      [`${RUNTIME}disable_guest_seccomp`]: 'true',
      [`${RUNTIME}create_container_timeout`]: '9',
      [`${AGENT}kernel_modules`]: 'e1000e EEE=1; i915',
      [`${AGENT}container_pipe_size`]: '4096',
    },
    '',
  );
  assert.equal(config.runtime.disableGuestSeccomp, true);
  assert.equal(config.runtime.createContainerTimeoutMs, 9000);
  assert.deepEqual(config.agent.kernelModules, [
    { name: 'e1000e', parameters: ['EEE=1'] },
    { name: 'i915', parameters: [] },
  ]);
  assert.equal(config.agent.containerPipeSizeBytes, 4096);
});

test('a value of another type or beyond its range is refused with the annotation, expected and found', () => {
  refused(() => of({ default_memory: '2G' }), 'invalid-argument', 'expected a whole number from 256', '"2G"');
  refused(() => of({ default_memory: '16' }), 'invalid-argument', 'from 256', 'found 16');
  refused(() => of({ default_memory: '-1' }), 'invalid-argument', 'found "-1"');
  refused(() => of({ default_vcpus: '-1' }), 'invalid-argument', 'a number', '"-1"');
  refused(() => of({ enable_iothreads: 'yes' }), 'invalid-argument', 'true or false', '"yes"');
  refused(() => of({ block_device_aio: 'aio' }), 'invalid-argument', '"io_uring"', '"aio"');
  refused(() => of({ virtio_fs_extra_args: 'no list' }), 'invalid-argument', 'a list of strings');
  refused(() => of({ pcie_root_port: '17' }), 'invalid-argument', '16', '17');
  refused(() => load({ [`${RUNTIME}internetworking_model`]: 'bridge' }), 'invalid-argument', '"tcfilter"', '"bridge"');
  refused(() => load({ [`${AGENT}container_pipe_size`]: 'big' }), 'invalid-argument', 'container_pipe_size');
});

test('truth values are those of upstream', () => {
  const threads = (text: string, more = '') =>
    of({ enable_iothreads: text }, `${ALL}\n${more}`).config.hypervisor.enableIothreads;
  for (const text of ['1', 't', 'T', 'TRUE', 'true', 'True']) assert.equal(threads(text), true, text);
  for (const text of ['0', 'f', 'F', 'FALSE', 'false', 'False'])
    assert.equal(threads(text, 'enable_iothreads = true'), false, text);
});

test('nobody asks for more processors than the host has', () => {
  assert.equal(of({ default_vcpus: '2.5' }).config.hypervisor.defaultVcpus, 3);
  refused(() => of({ default_vcpus: '5' }), 'invalid-argument', 'default_vcpus', 'at most the host', '4 processors');
  refused(() => of({ default_max_vcpus: '5' }), 'invalid-argument', 'default_max_vcpus');
});

test('a path is one that its list allows', () => {
  const list = `${ALL}\nvalid_hypervisor_paths = ["/usr/bin/qemu-system-*", "/opt/*/bin/qemu"]`;
  for (const path of ['/usr/bin/qemu-system-x86_64', '/opt/a/bin/qemu'])
    assert.equal(of({ path }, list).config.hypervisor.path, path);
  for (const path of ['/tmp/qemu', '/usr/bin/qemu-system-x/y', '/opt/../bin/qemu', '/opt/./bin/qemu', 'qemu', ''])
    refused(() => of({ path }, list), 'permission-denied', 'path', JSON.stringify(path), 'valid_hypervisor_paths');
  refused(() => of({ path: '/usr/bin/qemu' }), 'permission-denied', 'which is empty');
  for (const [name, key] of [
    ['jailer_path', 'valid_jailer_paths'],
    ['ctlpath', 'valid_ctlpaths'],
    ['virtio_fs_daemon', 'valid_virtio_fs_daemon_paths'],
    ['vhost_user_store_path', 'valid_vhost_user_store_paths'],
  ] as const) {
    refused(() => of({ [name]: '/a' }), 'permission-denied', key);
    of({ [name]: '/a' }, `${ALL}\n${key} = ["/?"]`);
  }
  assert.equal(of({ entropy_source: '/dev/random' }).config.hypervisor.entropySource, '/dev/random');
  refused(() => of({ entropy_source: '/dev/zero' }), 'permission-denied', '/dev/urandom, /dev/random');
});

test('kernel and initrd are absolute paths, and their hashes are remembered', () => {
  const { config, hashes } = of({ kernel: '/other/vmlinux', kernel_hash: HASH.toUpperCase(), initrd: '/other/initrd' });
  assert.equal(config.hypervisor.kernelPath, '/other/vmlinux');
  assert.equal(config.hypervisor.initrdPath, '/other/initrd');
  assert.deepEqual(hashes, [{ annotation: `${HYPERVISOR}kernel_hash`, asset: 'kernel', sha512: HASH }]);
  refused(() => of({ kernel: 'vmlinux' }), 'invalid-argument', 'an absolute path');
  refused(() => of({ kernel: '/a/../etc/shadow' }), 'invalid-argument', 'an absolute path');
  refused(() => of({ kernel_hash: 'abc' }), 'invalid-argument', '128 hexadecimal digits');
  assert.deepEqual(of({ hypervisor_hash: HASH }).hashes[0]!.asset, 'path');
  assert.match(of({ jailer_hash: HASH }).warnings[0]!, /jailer_hash has no effect/);
  refused(() => load({ 'io.katacontainers.asset_hash_type': 'md5' }), 'invalid-argument', 'sha512', '"md5"');
});

test('kernel parameters come behind those of the file', () => {
  const more = `${ALL}\nkernel_params = "a=1"`;
  assert.deepEqual(of({ kernel_params: 'b=2 c' }, more).config.hypervisor.kernelParams, ['a=1', 'b=2', 'c']);
  assert.deepEqual(of({ kernel_params: '' }, more).config.hypervisor.kernelParams, ['a=1']);
});

test('an empty text or a zero leaves what is configured, where upstream has it so', () => {
  const more = `${ALL}\ncpu_features = "x"\nmachine_accelerators = "y"\nguest_hook_path = "/h"`;
  const asked = { cpu_features: '', machine_accelerators: '', guest_hook_path: '', machine_type: '' };
  const { cpuFeatures, machineAccelerators, guestHookPath } = of(asked, more).config.hypervisor;
  assert.deepEqual([cpuFeatures, machineAccelerators, guestHookPath], ['x', 'y', '/h']);
  assert.deepEqual(of({ memory_slots: '0', pcie_root_port: '0' }).warnings, []);
});

test('what cannot be served is refused with its annotation', () => {
  refused(() => of({ cc_init_data: 'abc' }), 'unimplemented', `annotation ${HYPERVISOR}cc_init_data`, 'SEV-SNP');
  refused(() => of({ rootless: 'true' }), 'unimplemented', 'runs as root');
  refused(() => of({ machine_type: 'virt' }), 'unimplemented', 'q35');
  refused(() => of({ firmware: '/f' }), 'unimplemented', 'qboot');
  refused(() => load({ [`${AGENT}policy`]: 'cGFja2FnZQ==' }), 'unimplemented', 'policy');
  refused(() => load({ [`${RUNTIME}experimental`]: 'force_guest_pull' }), 'unimplemented', 'experimental');
  refused(() => load({ [`${RUNTIME}hypervisor_name`]: 'clh' }), 'unimplemented', 'clh');
  refused(() => load({ 'sgx.intel.com/epc': '1Mi' }), 'unimplemented', 'SGX');
  refused(() => load({ 'io.katacontainers.config_path': '/tmp/mine.toml' }), 'unimplemented', 'config_path');
});

test('what is not acted on yet is told with its annotation', () => {
  assert.deepEqual(of({ use_nothing: 'true', enable_iommu: 'true' }).warnings, [
    `unknown annotation ${HYPERVISOR}use_nothing is ignored`,
    `annotation ${HYPERVISOR}enable_iommu: enable_iommu = true in [hypervisor.qemu] is not acted on yet; false holds`,
  ]);
});

test('one way to plug in VFIO devices excludes the other', () => {
  const { warnings } = of({ hot_plug_vfio: 'root-port' }, `${ALL}\ncold_plug_vfio = "root-port"`);
  assert.deepEqual(warnings, [
    `annotation ${HYPERVISOR}hot_plug_vfio: hot_plug_vfio = "root-port" in [hypervisor.qemu] is not acted on yet; "no-port" holds`,
  ]);
});

test('other annotations are nobody’s business here', () => {
  const others = { 'io.kubernetes.cri.container-type': 'sandbox', 'io.katacontainers.pkg.oci.bundle_path': '/x' };
  assert.deepEqual(configAnnotations(others), {});
  assert.equal(configures(others), false);
  assert.equal(configures(undefined), false);
  assert.equal(configures({ ...others, [`${RUNTIME}name`]: 'x' }), true);
  assert.deepEqual(load(others, '').warnings, []);
});
