// Where shim, QEMU and its vCPUs are on the host, and that nothing of it is left.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { parseHierarchies } from '../../src/os/cgroup/hierarchy.ts';
import { footprint, processes, run } from '../harness/containerd.ts';
import { busyboxRoot, DirectShim, makeBundle, type SpecEdit } from '../harness/direct-shim.ts';
import { busyboxImage } from '../harness/guest-container.ts';
import { compileGuestProgram } from '../harness/guest-program.ts';
import { kata } from '../harness/kata-runtime.ts';
import { leavesNothing } from '../harness/leaves-nothing.ts';
import { privateRun } from '../harness/private-run.ts';
import { testConfig } from '../harness/test-config.ts';

const LIMIT = { timeout: 120_000 };
const mounts = fs.readFileSync('/proc/self/mountinfo', 'utf8');
const ON_V1 = { skip: parseHierarchies(mounts).placed[0]?.version !== 1 };
const ANNOTATION = 'io.katacontainers.config.runtime.sandbox_cgroup_only';
const unique = `kata-ts-e2e-${process.pid}-${Date.now()}`;

let folder: string;
let root: string;
let configPath: string;
let clean: ReturnType<typeof footprint>;
before(async () => {
  privateRun();
  folder = fs.mkdtempSync(path.join(tmpdir(), 'kata-ts-cgroups-'));
  root = await busyboxRoot(folder);
  configPath = testConfig(folder, { default_memory: '256', template_path: JSON.stringify('/run/cgroup-templates') });
  clean = footprint();
});
after(async () => {
  await DirectShim.endAll();
  fs.rmSync(folder, { recursive: true, force: true });
});
afterEach(() => assert.deepEqual(cgroupsOf(unique), [], 'cgroups were left behind'));

/** The v1 cgroups of this host, by a part of their path. */
function cgroupsOf(part: string): string[] {
  return fs
    .readdirSync('/sys/fs/cgroup')
    .flatMap((name) =>
      [`/sys/fs/cgroup/${name}`, `/sys/fs/cgroup/${name}/kata_overhead`]
        .filter((parent) => fs.existsSync(parent))
        .flatMap((parent) => fs.readdirSync(parent).map((child) => `${parent}/${child}`)),
    )
    .filter((folder) => folder.includes(part));
}

/** The cgroups that a process or a thread is in, each once; those of v1. */
function cgroups(of: string | number): string[] {
  const lines = fs.readFileSync(`/proc/${of}/cgroup`, 'utf8').trim().split('\n');
  return [
    ...new Set(lines.filter((line) => !line.startsWith('0::')).map((line) => line.split(':').slice(2).join(':'))),
  ];
}

/** The threads of a process by their names. */
function threads(pid: number): { name: string; cgroups: string[] }[] {
  return fs.readdirSync(`/proc/${pid}/task`).map((tid) => ({
    name: fs.readFileSync(`/proc/${pid}/task/${tid}/comm`, 'utf8').trim(),
    cgroups: cgroups(`${pid}/task/${tid}`),
  }));
}

const isVcpu = ({ name }: { name: string }) => /^(CPU \d+|ALL CPUs)\//.test(name);
const qemuOf = (id: string) => processes(new RegExp(`qemu-system.*-name sandbox-${id}\\b`))[0]!;

/** A container that sleeps, in a cgroup of its own: its shim, and where it is to be. */
async function sleeper(id: string, edit: SpecEdit = () => {}, env: Record<string, string> = {}) {
  const bundle = makeBundle(folder, id, root, ['sleep', '1000'], (spec) => {
    spec.linux.cgroupsPath = `/${unique}/pod/${id}`;
    edit(spec);
  });
  const shim = await DirectShim.start(bundle, env);
  const home = cgroups(shim.pid);
  await shim.create(bundle, { configPath: env.KATA_CONF_FILE ?? configPath });
  await shim.task.start({ id });
  return { shim, bundle, home, ours: `/${unique}/pod/kata_${id}`, overhead: `/kata_overhead/${id}` };
}

async function end(shim: DirectShim): Promise<void> {
  await shim.task.kill({ id: shim.id, signal: 9, all: true });
  await shim.task.wait({ id: shim.id });
  await shim.task.delete({ id: shim.id });
}

describe('on a host with cgroup v1', ON_V1, () => {
  for (const round of ['a VM that was booted for the template', 'one whose QEMU was saved'])
    it(`only the vCPUs of ${round} are in the cgroup of the sandbox`, LIMIT, async () => {
      const { shim, ours, overhead, home } = await sleeper(`split-${round.length}`);
      assert.deepEqual(cgroups(shim.pid), [overhead]);
      const all = threads(qemuOf(shim.id));
      assert.ok(all.some(isVcpu), JSON.stringify(all));
      for (const thread of all) assert.deepEqual(thread.cgroups, [isVcpu(thread) ? ours : overhead], thread.name);
      assert.ok(all.length > 2);
      await end(shim);
      assert.deepEqual(cgroups(shim.pid), home);
      assert.deepEqual(cgroupsOf(unique), []);
      await shim.end();
      await leavesNothing(clean);
    });

  it('all of it is, when the annotation says so; its processors and devices are limited', LIMIT, async () => {
    const { shim, ours, home } = await sleeper('all', (spec) => {
      spec.annotations = { [ANNOTATION]: 'true' };
      spec.linux.resources = { cpu: { cpus: '1' }, devices: [{ allow: false, access: 'rwm' }] };
    });
    assert.deepEqual(cgroups(shim.pid), [ours]);
    for (const thread of threads(qemuOf('all'))) assert.deepEqual(thread.cgroups, [ours], thread.name);
    const read = (file: string) =>
      fs.readFileSync(`/sys/fs/cgroup/${file.split('.')[0]}${ours}/${file}`, 'utf8').trim();
    assert.equal(read('cpuset.cpus'), '1');
    const devices = read('devices.list').split('\n');
    assert.ok(
      devices.includes('c 1:3 rwm') && devices.includes('c 10:200 rwm') && !devices.includes('a *:* rwm'),
      `${devices}`,
    );
    await end(shim);
    assert.deepEqual(cgroups(shim.pid), home);
    await shim.end();
    await leavesNothing(clean);
  });

  it('a disk of the host is allowed before QEMU opens it', LIMIT, async () => {
    const image = busyboxImage(fs.mkdtempSync(path.join(folder, 'image-')));
    const device = (await run(['losetup', '--find', '--show', '--read-only', image])).stdout.trim();
    try {
      const id = 'disk';
      const bundle = makeBundle(folder, id, 'rootfs', ['sleep', '1000'], (spec) => {
        spec.linux.cgroupsPath = `/${unique}/pod/${id}`;
        spec.annotations = { [ANNOTATION]: 'true' };
        spec.linux.resources = { devices: [{ allow: false, access: 'rwm' }] };
      });
      const shim = await DirectShim.start(bundle, { KATA_CONF_FILE: configPath });
      await shim.task.create({ id, bundle, rootfs: [{ type: 'erofs', source: device, target: '', options: ['ro'] }] });
      await shim.task.start({ id });
      const allowed = fs.readFileSync(`/sys/fs/cgroup/devices/${unique}/pod/kata_${id}/devices.list`, 'utf8');
      assert.ok(allowed.split('\n').includes(`b 7:${device.replace('/dev/loop', '')} rwm`), allowed);
      const qemu = qemuOf(id);
      assert.ok(fs.readdirSync(`/proc/${qemu}/fd`).some((fd) => fs.readlinkSync(`/proc/${qemu}/fd/${fd}`) === device));
      await end(shim);
      await shim.end();
    } finally {
      await run(['losetup', '--detach', device]);
    }
    await leavesNothing(clean);
  });

  it('what a killed shim leaves is removed by delete, also twice', LIMIT, async () => {
    const { shim, bundle, ours } = await sleeper('killed');
    process.kill(shim.pid, 'SIGKILL');
    await shim.gone();
    assert.ok(fs.existsSync(`/sys/fs/cgroup/cpu${ours}`));
    for (let round = 0; round < 2; round++) assert.equal((await DirectShim.delete(bundle)).status, 0);
    assert.deepEqual(cgroupsOf(unique), []);
    assert.deepEqual(cgroupsOf('kata_overhead/killed'), []);
    assert.doesNotMatch(shim.log, /level=error/);
    await leavesNothing(clean);
  });

  it('a start that fails leaves none', LIMIT, async () => {
    const bundle = makeBundle(folder, 'bad', root, ['true'], (spec) => {
      spec.linux.cgroupsPath = `/${unique}/pod/bad`;
      spec.linux.resources = { cpu: { cpus: '4000' } };
    });
    const shim = await DirectShim.start(bundle);
    await assert.rejects(shim.create(bundle, { configPath }), (error: Error) => {
      assert.match(error.message, /cpuset\.cpus of .*kata_bad is expected to become 4000: .*(EINVAL|ERANGE|EACCES)/);
      assert.match(error.message, /choose processors and nodes that this host has/);
      return true;
    });
    assert.deepEqual(cgroupsOf(unique), []);
    await shim.end();
    await leavesNothing(clean);
  });

  it('an annotation that is no boolean is refused before anything is made', LIMIT, async () => {
    const bundle = makeBundle(folder, 'word', root, ['true'], (spec) => {
      spec.linux.cgroupsPath = `/${unique}/pod/word`;
      spec.annotations = { [ANNOTATION]: 'maybe' };
    });
    const shim = await DirectShim.start(bundle);
    await assert.rejects(shim.create(bundle, { configPath }), /sandbox_cgroup_only.*true or false.*maybe/);
    await shim.end();
    await leavesNothing(clean);
  });
});

it('with cgroup v2, as in a guest, the same holds', LIMIT, async (t) => {
  const program = path.join(folder, 'host-cgroups');
  await compileGuestProgram('host-cgroups', program);
  const bundle = makeBundle(folder, 'v2', root, ['/host-cgroups'], (spec) => {
    const all = CAPABILITIES;
    spec.process.capabilities = { bounding: all, effective: all, permitted: all };
    spec.mounts = spec.mounts.filter(({ destination }: { destination: string }) => destination !== '/sys/fs/cgroup');
    spec.mounts.push(
      { destination: '/sys/fs/cgroup', type: 'cgroup2', source: 'cgroup2', options: ['rw'] },
      { destination: '/host-cgroups', type: 'bind', source: program, options: ['rbind', 'ro'] },
    );
    spec.linux.resources = { devices: [{ allow: true, access: 'rwm' }] };
  });
  const shim = await DirectShim.start(bundle);
  const { status, stdout, stderr } = await shim.run(bundle, configPath);
  assert.equal(status, 0, stdout + stderr);
  t.diagnostic(Buffer.from(stdout, 'latin1').toString());
  assert.match(stdout, /\n1[0-9] passed, 0 failed\n$/);
  await shim.end();
});

it('a VM that waited in a pool is moved when it is claimed', { ...LIMIT, ...ON_V1 }, async () => {
  const cache = { vm_cache_number: '1', vm_cache_endpoint: '"/run/cgroup-pool/cache.sock"' };
  const templates = { default_memory: '256', template_path: JSON.stringify('/run/cgroup-templates') };
  const env = { KATA_CONF_FILE: testConfig(folder, { ...templates, ...cache }) };
  assert.match((await kata(['factory', 'init'], { env })).stdout, /1 of 1 VMs wait\n$/);
  try {
    for (const only of ['false', 'true']) {
      for (const started = Date.now(); ; ) {
        const { pool } = JSON.parse((await kata(['factory', 'status', '--format', 'json'], { env })).stdout);
        if (pool.ready === 1) break;
        assert.ok(Date.now() - started < 30_000, 'no VM waits');
      }
      // By the file: what an annotation asks for, no VM of a pool is.
      const configured = testConfig(folder, { ...templates, ...cache, sandbox_cgroup_only: only });
      const { shim, ours, overhead, home } = await sleeper(`pooled-${only}`, () => {}, { KATA_CONF_FILE: configured });
      assert.match(shim.log, /the VM has waited in the pool/);
      const all = threads(Number(fs.readFileSync(`/proc/${shim.pid}/task/${shim.pid}/children`, 'utf8').trim()));
      assert.ok(all.some(isVcpu), JSON.stringify(all));
      for (const thread of all)
        assert.deepEqual(thread.cgroups, [only === 'true' || isVcpu(thread) ? ours : overhead], thread.name);
      assert.deepEqual(cgroups(shim.pid), [only === 'true' ? ours : overhead]);
      await end(shim);
      assert.deepEqual(cgroups(shim.pid), home);
      await shim.end();
    }
  } finally {
    await kata(['factory', 'destroy'], { env });
  }
  await leavesNothing(clean);
});

const CAPABILITIES = [
  ...['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH', 'CAP_FOWNER', 'CAP_FSETID', 'CAP_KILL', 'CAP_SETGID'],
  ...['CAP_SETUID', 'CAP_SETPCAP', 'CAP_SYS_ADMIN', 'CAP_MKNOD', 'CAP_SYSLOG', 'CAP_BPF', 'CAP_SYS_RESOURCE'],
];
