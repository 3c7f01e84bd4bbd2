import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostFacts } from './facts.ts';
import { judgeHost } from './judge-host.ts';
import { isCapable, type Need } from './need.ts';

const GIB = 2 ** 30;
const opens = { open: '', module: 'loaded' } as const;
const program = (path: string | null, version = '') => ({ path, version });

/** A host that has everything. */
const WHOLE: HostFacts = {
  architecture: 'x86_64',
  isRoot: true,
  cpu: { vendor: 'GenuineIntel', model: 'Xeon', count: 8, flags: ['lm', 'vmx', 'sse4_1'] },
  kvm: { device: '/dev/kvm', open: '', apiVersion: 12, createVm: '', modules: ['kvm_intel'] },
  kvmModules: { kvm_intel: 'loaded', kvm_amd: 'absent' },
  vhostNet: opens,
  vhostVsock: opens,
  tun: opens,
  loop: opens,
  overlay: 'builtin',
  erofs: 'loadable',
  qemu: program('/usr/bin/qemu-system-x86_64', 'QEMU emulator version 8.2.1 (Debian)\n'),
  mkfsErofs: program('/usr/bin/mkfs.erofs'),
  skopeo: program('/usr/bin/skopeo'),
  umoci: program('/usr/bin/umoci'),
  shim: program('/usr/local/bin/containerd-shim-kata-v2'),
  containerd: program('/usr/bin/containerd', 'containerd github.com/containerd/containerd 1.6.20~ds1\n'),
  containerdConfig: { path: '/etc/containerd/config.toml', namesKata: true },
  kernel: { path: '/k', bytes: 50 * 2 ** 20 },
  initrd: { path: '/i', bytes: 2 ** 20 },
  cacheSpace: { path: '/var', availableBytes: 10 * GIB },
  runSpace: { path: '/run', availableBytes: GIB },
  templateSpace: { path: '/run/vc', availableBytes: GIB },
  memory: { totalMib: 16000, availableMib: 8000 },
  hugePages: { total: 0, free: 0, kib: 2048 },
  cgroups: 'v2',
  wanted: { accelerator: 'auto', memoryMib: 2048, enableHugepages: false, failure: null, path: '/c', warnings: [] },
};

const judged = (facts: Partial<HostFacts>): Need[] => judgeHost({ ...WHOLE, ...facts });
const need = (name: string, facts: Partial<HostFacts>): Need => {
  const found = judged(facts).find((each) => each.name === name);
  assert.ok(found, name);
  return found;
};

/** Each fact that changes one need: how the need is then, and what is said of it. */
const CASES: [name: string, facts: Partial<HostFacts>, state: Need['state'], said: RegExp, get?: RegExp][] = [
  ['configuration', { wanted: { ...WHOLE.wanted, failure: '/c:3: expected true' } }, 'missing', /\/c:3: expected true/],
  ['configuration', { wanted: { ...WHOLE.wanted, warnings: ['a'] } }, 'there', /1 of its settings is not acted on/],
  ['root', { isRoot: false }, 'missing', /another user/, /sudo/],
  ['processor', { architecture: 'aarch64' }, 'missing', /aarch64/, /x86_64/],
  ['processor', { cpu: { ...WHOLE.cpu, flags: ['hypervisor'] } }, 'instead', /without VT-x/, /nested/],
  ['processor', { cpu: { ...WHOLE.cpu, flags: [] } }, 'instead', /without VT-x/, /firmware/],
  ['processor', { cpu: { ...WHOLE.cpu, flags: ['svm'] } }, 'there', /AMD-V/],
  [
    'KVM',
    { kvm: { ...WHOLE.kvm, open: 'ENOENT' }, kvmModules: { kvm_intel: 'loadable', kvm_amd: 'loadable' } },
    ...(['instead', /ENOENT/, /^modprobe kvm_intel$/] as const),
  ],
  ['KVM', { kvm: { ...WHOLE.kvm, open: 'EACCES' } }, 'instead', /may not be opened/, /allow/],
  ['KVM', { kvm: { ...WHOLE.kvm, modules: ['kvm_pvm'] } }, 'instead', /kvm_pvm/, /VT-x or AMD-V/],
  [
    'KVM',
    { kvm: { ...WHOLE.kvm, open: 'ENOENT' }, wanted: { ...WHOLE.wanted, accelerator: 'kvm' } },
    ...(['missing', /insists/] as const),
  ],
  ['KVM', { wanted: { ...WHOLE.wanted, accelerator: 'tcg' } }, 'unused', /accelerator = "tcg"/],
  ['QEMU', { qemu: program(null) }, 'missing', /not found/, /apt install qemu-system-x86/],
  ['QEMU', { qemu: program('/q', 'QEMU emulator version 6.0.0\n') }, 'missing', /6\.0\.0.*7\.2/, /apt install/],
  ['QEMU', { qemu: program('/q', 'hello') }, 'missing', /no version/],
  ['guest kernel', { kernel: { path: '/k', bytes: null } }, 'missing', /no file at \/k/, /npm run build/],
  ['guest initrd', { initrd: null }, 'missing', /names none/],
  ['mkfs.erofs', { mkfsErofs: program(null) }, 'missing', /not found/, /apt install erofs-utils/],
  ['skopeo, umoci', { umoci: program(null) }, 'instead', /no umoci/, /apt install umoci/],
  ['/dev/vhost-net', { vhostNet: { open: 'ENOENT', module: 'loadable' } }, 'instead', /ENOENT/, /^modprobe vhost_net$/],
  ['/dev/vhost-net', { vhostNet: { open: 'ENOENT', module: 'absent' } }, 'instead', /ENOENT/, /a kernel that has/],
  [
    '/dev/vhost-net',
    { vhostNet: { open: 'ENOENT', module: 'unknown' } },
    'instead',
    /ENOENT/,
    /^modprobe vhost_net, or/,
  ],
  ['/dev/vhost-net', { vhostNet: { open: 'EACCES', module: 'loaded' } }, 'instead', /EACCES/, /root/],
  ['/dev/net/tun', { tun: { open: 'ENOENT', module: 'loadable' } }, 'instead', /ENOENT/, /^modprobe tun$/],
  ['/dev/vhost-vsock', { vhostVsock: { open: 'ENOENT', module: 'builtin' } }, 'instead', /ENOENT/, /make the node/],
  ['overlay', { overlay: 'absent' }, 'instead', /not in this kernel/],
  ['erofs', { erofs: 'absent' }, 'unused', /not in this kernel/],
  ['/dev/loop-control', { loop: { open: 'ENOENT', module: 'absent' } }, 'unused', /ENOENT/],
  ['memory', { memory: { totalMib: 4000, availableMib: 1000 } }, 'instead', /1000 of 4000/, /default_memory/],
  ['memory', { memory: { totalMib: 1000, availableMib: 900 } }, 'missing', /900 of 1000/],
  ['huge pages', { wanted: { ...WHOLE.wanted, enableHugepages: true } }, 'instead', /none/, /vm\.nr_hugepages/],
  ['space for root images', { cacheSpace: { path: '/v', availableBytes: 1024 } }, 'missing', /64 MiB are the least/],
  ['space in /run', { runSpace: { path: '/run', availableBytes: 0 } }, 'missing', /0\.0 MiB/, /remount/],
  ['space for templates', { templateSpace: { path: '/t', availableBytes: 0 } }, 'instead', /\/t/],
  ['cgroups', { cgroups: 'none' }, 'instead', /none is mounted/],
  ["containerd's shim", { shim: program(null) }, 'instead', /no folder/, /install:system/],
  ['containerd', { containerd: program(null) }, 'unused', /not found/],
  ['containerd', { containerdConfig: null }, 'there', /no configuration/],
  ['containerd', { containerdConfig: { path: '/c', namesKata: false } }, 'instead', /does not name/, /runtime_type/],
];

test('a host that has everything has no second choice', () => {
  const needs = judged({});
  assert.deepEqual(
    needs.filter(({ state }) => state === 'missing' || state === 'instead'),
    [],
  );
  assert.equal(isCapable(needs, true), true);
});

test('what is not there is told with what stands in for it and how to get it', () => {
  for (const [name, facts, state, said, get] of CASES) {
    const found = need(name, facts);
    assert.equal(found.state, state, `${name}: ${JSON.stringify(found)}`);
    assert.match(found.found, said);
    if (get !== undefined) assert.match(found.get ?? '', get);
    if (state === 'instead') assert.ok(found.instead, `${name} says what stands in`);
  }
});

test('a need that is missing keeps containers from running; a second choice only with --strict', () => {
  for (const [name, facts, state] of CASES) {
    const needs = judged(facts);
    assert.equal(isCapable(needs, false), state !== 'missing', name);
    assert.equal(isCapable(needs, true), state !== 'missing' && state !== 'instead', name);
  }
});
