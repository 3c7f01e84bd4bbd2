// On whatever cgroups this system has: v1 and hybrid on a host, v2 in a guest (test/e2e/host-cgroups.e2e.ts).
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { inChild } from '../../../test/harness/in-child.ts';
import { cgroupsBelow, joinCgroup, processesIn } from '../../os/cgroup/cgroup-files.ts';
import { CGROUP_ROOT, type Hierarchy, pathInHierarchy } from '../../os/cgroup/hierarchy.ts';
import { mountedHierarchies } from '../../os/cgroup/mounted.ts';
import { availableCpus } from '../../os/cpus.ts';
import { makeDirectory, makeTemporaryDirectory, removeDirectory, removeTree } from '../../os/directory.ts';
import { exists, makeNode, readText } from '../../os/file.ts';
import { MNT, MS, mount, umount } from '../../os/mount.ts';
import { parseMountInfo } from '../../os/mountinfo.ts';
import { CLONE, unshare } from '../../os/namespace.ts';
import { type ChildProcess, spawn } from '../../os/process.ts';
import { randomHex } from '../../os/random.ts';
import { SIGNAL } from '../../os/signal.ts';
import { S } from '../../os/stat.ts';
import { SandboxCgroups, type SandboxCgroupsOptions } from './sandbox-cgroups.ts';
import { removeCgroups, type SavedCgroups } from './saved-cgroups.ts';

const EVERYTHING = [{ allow: false, access: 'rwm' }];
/** The kernel's log: on every Linux, and no container's. */
const KMSG = [1, 11] as const;

const said: string[] = [];
const log = {
  debug: (message: string) => void said.push(message),
  info: (message: string) => void said.push(message),
  warning: (message: string) => void said.push(message),
  error: (message: string) => void said.push(message),
};

/** One system's cgroups; the tests hold for each. */
function behaves(): void {
  const id = randomHex(8);
  const parent = `/kata-ts-test-${id}`;
  const ours = `${parent}/pod/kata_box`;
  const overhead = `/kata_overhead/${id}`;
  let hierarchies: Hierarchy[] = [];
  let homes: (string | null)[] = [];
  let children: ChildProcess[] = [];

  const of = (options: Partial<SandboxCgroupsOptions> = {}): SandboxCgroups =>
    SandboxCgroups.of({
      ...{ sandboxId: id, cgroupsPath: `${parent}/pod/box`, sandboxCgroupOnly: true, devices: [], debug: false, log },
      ...options,
    })!;
  const entered = async (options: Partial<SandboxCgroupsOptions> = {}): Promise<SandboxCgroups> => {
    const cgroups = of(options);
    await cgroups.enter(() => {});
    return cgroups;
  };
  /** Where a process or a thread is in each hierarchy. */
  const places = (of: string): (string | null)[] =>
    hierarchies.map((hierarchy) => pathInHierarchy(hierarchy, readText(`/proc/${of}/cgroup`)));
  const everywhere = (path: string): string[] => hierarchies.map(() => path);
  const v2 = (): boolean => hierarchies[0]!.version === 2;
  const start = (argv: string[]): ChildProcess => {
    const child = spawn(argv);
    children.push(child);
    return child;
  };
  const idle = (): ChildProcess => start(['/bin/sleep', '1000']);
  const end = async (child: ChildProcess): Promise<void> => {
    child.kill(SIGNAL.KILL);
    await child.wait();
  };
  const goHome = (pid = 0): void =>
    hierarchies.forEach(({ mountPoint }, index) => {
      joinCgroup(`${mountPoint}${homes[index] ?? ''}`, pid);
    });
  /** Every cgroup that a test has made, or made possible. */
  const left = (): string[] =>
    hierarchies.flatMap(({ mountPoint }) =>
      [parent, overhead].map((path) => `${mountPoint}${path}`).filter((folder) => exists(folder)),
    );

  before(() => {
    hierarchies = mountedHierarchies().placed;
    homes = places('self');
  });
  afterEach(async () => {
    for (const child of children) await end(child);
    children = [];
    const whereabouts = places('self');
    goHome();
    assert.deepEqual(whereabouts, homes, 'the test is somewhere else');
    assert.deepEqual(left(), [], 'cgroups were left behind');
    said.length = 0;
  });

  test('with sandbox_cgroup_only, shim and VM are in the cgroup of the sandbox, and nothing is left of it', async () => {
    const saves: SavedCgroups[] = [];
    const cgroups = of();
    await cgroups.enter(() => saves.push(structured(cgroups.saved)));
    assert.deepEqual(places('self'), everywhere(ours));
    assert.deepEqual(
      saves[0]!.own.map(({ folder }) => folder),
      hierarchies.map(({ mountPoint }) => `${mountPoint}${ours}`),
    );
    const child = idle();
    assert.deepEqual(places(`${child.pid}`), everywhere(ours));
    // One that waited in a pool.
    const other = idle();
    goHome(other.pid);
    cgroups.placeVm(other.pid, [other.pid], false);
    assert.deepEqual(places(`${other.pid}`), everywhere(ours));
    assert.deepEqual(said, []);
    await end(child);
    await end(other);
    await cgroups.leave();
  });

  test('without, the vCPUs alone are in it as far as the host can', async () => {
    const cgroups = await entered({ sandboxCgroupOnly: false });
    assert.deepEqual(places('self'), everywhere(v2() ? ours : overhead));
    const child = idle();
    const pool = idle();
    goHome(pool.pid);
    cgroups.placeVm(child.pid, [child.pid], true);
    cgroups.placeVm(pool.pid, [], false);
    assert.deepEqual(places('self'), everywhere(overhead));
    assert.deepEqual(places(`${child.pid}/task/${child.pid}`), everywhere(v2() ? `${ours}/vcpus` : ours));
    assert.deepEqual(places(`${pool.pid}`), everywhere(v2() ? ours : overhead));
    assert.deepEqual(said, [`no thread of QEMU ${pool.pid} is named after a vCPU: they stay with its others`]);
    if (v2()) assert.equal(readText(`${CGROUP_ROOT}${ours}/vcpus/cgroup.type`).trim(), 'threaded');
    await end(child);
    await end(pool);
    await cgroups.leave();
  });

  test('a VM that has ended meanwhile is no failure', async () => {
    const cgroups = await entered({ sandboxCgroupOnly: false });
    const child = idle();
    await end(child);
    cgroups.placeVm(child.pid, [child.pid], false);
    await cgroups.leave();
  });

  test('the template is made outside', async () => {
    const cgroups = await entered();
    const child = spawn(['/bin/sleep', '1000'], { beforeExec: () => cgroups.leaveInChild() });
    children.push(child);
    assert.deepEqual(places(`${child.pid}`), homes);
    await cgroups.leave();
  });

  test('only devices of the spec and of a VM can be opened; another one when it is allowed', async () => {
    const folder = makeTemporaryDirectory('/tmp/kata-ts-devices-');
    const node = `${folder}/kmsg`;
    const cgroups = of({ devices: EVERYTHING });
    const opens = async (path: string): Promise<number> => (await start(['/bin/sh', '-c', `: < ${path}`]).wait()).code;
    try {
      makeNode(node, S.IFCHR | 0o600, ...KMSG);
      assert.equal(await opens(node), 0);
      await cgroups.enter(() => {});
      assert.notEqual(await opens(node), 0);
      assert.equal(await opens('/dev/null'), 0);
      const denials = [cgroups.allowDevices(['/nowhere', folder, node]), cgroups.allowDevices([node, '/dev/null'])];
      for (const deny of denials) {
        assert.equal(await opens(node), 0);
        assert.equal(await opens('/dev/null'), 0);
        deny();
      }
      assert.notEqual(await opens(node), 0);
      assert.equal(await opens('/dev/null'), 0);
    } finally {
      await cgroups.leave();
      removeTree(folder);
    }
  });

  test('what is allowed before there are cgroups holds from their beginning', async () => {
    const folder = makeTemporaryDirectory('/tmp/kata-ts-devices-');
    const node = `${folder}/kmsg`;
    const cgroups = of({ devices: EVERYTHING });
    try {
      makeNode(node, S.IFCHR | 0o600, ...KMSG);
      const deny = cgroups.allowDevices([node]);
      await cgroups.enter(() => {});
      assert.equal((await start(['/bin/sh', '-c', `: < ${node}`]).wait()).code, 0);
      deny();
      assert.notEqual((await start(['/bin/sh', '-c', `: < ${node}`]).wait()).code, 0);
    } finally {
      await cgroups.leave();
      removeTree(folder);
    }
  });

  test('the processors are those of all containers together', async () => {
    const cpuset = hierarchies.find(({ version, controllers }) => version === 2 || controllers.includes('cpuset'))!;
    const cgroups = await entered({ sandboxCgroupOnly: false });
    const folder = `${cpuset.mountPoint}${ours}${v2() ? '/vcpus' : ''}`;
    const cpus = (): string => readText(`${folder}/cpuset.cpus`).trim();
    try {
      if (v2() && !readText(`${CGROUP_ROOT}/cgroup.controllers`).includes('cpuset')) {
        // A v2 whose processors are v1's, as on a hybrid host.
        assert.throws(
          () => cgroups.limitCpus('a', { cpus: '0' }),
          /cpuset.cpus of .* is expected to become 0: .*ENOENT/,
        );
        return;
      }
      const before = cpus();
      cgroups.limitCpus('a', {});
      assert.equal(cpus(), before);
      cgroups.limitCpus('a', { cpus: '0', mems: '0' });
      assert.equal(cpus(), '0');
      assert.equal(readText(`${folder}/cpuset.mems`).trim(), '0');
      const last = `${availableCpus() - 1}`;
      cgroups.limitCpus('b', { cpus: last });
      assert.equal(cpus(), last === '0' ? '0' : `0-${last}`);
      cgroups.limitCpus('a', null);
      assert.equal(cpus(), last);
      cgroups.limitCpus('b', null);
      assert.equal(cpus(), last);
      assert.throws(() => cgroups.limitCpus('c', { cpus: '60000' }), {
        code: 'failed-precondition',
        hint: 'choose processors and nodes that this host has, and that the cgroup above allows',
      });
    } finally {
      await cgroups.leave();
    }
  });

  test('what others put into the cgroup is put elsewhere, what they nested is removed', async () => {
    const cgroups = await entered();
    const { mountPoint } = hierarchies[0]!;
    const stranger = idle();
    const nested = `${mountPoint}${ours}/theirs`;
    makeDirectory(nested);
    joinCgroup(nested, stranger.pid);
    await cgroups.leave();
    assert.ok(!exists(`${mountPoint}${ours}`));
    assert.ok(exists(`/proc/${stranger.pid}`));
    assert.ok(!(places(`${stranger.pid}`)[0] ?? '').includes('kata_box'));
    for (const each of hierarchies)
      for (const folder of cgroupsBelow(`${each.mountPoint}${parent}`).reverse()) {
        for (const pid of processesIn(folder)) goHome(pid);
        removeDirectory(folder);
      }
  });

  test('a cgroup above that has a process of its own does not keep the sandbox from starting', async () => {
    const { mountPoint } = hierarchies[0]!;
    const above = `${mountPoint}${parent}/pod`;
    makeDirectory(`${mountPoint}${parent}`);
    makeDirectory(above);
    const stranger = idle();
    joinCgroup(above, stranger.pid);
    const cgroups = await entered();
    assert.equal(places('self')[0], ours);
    await cgroups.leave();
    await end(stranger);
    for (const folder of [above, `${mountPoint}${parent}`]) removeDirectory(folder);
  });

  test('cgroups that somebody else has removed are no failure, nor is leaving twice', async () => {
    const cgroups = await entered({ sandboxCgroupOnly: false });
    goHome();
    for (const { mountPoint } of hierarchies) {
      for (const path of [ours, overhead])
        for (const folder of cgroupsBelow(`${mountPoint}${path}`).reverse()) removeDirectory(folder);
    }
    await cgroups.leave();
    await cgroups.leave();
    await removeCgroups(cgroups.saved);
  });

  test('a cgroup above that another sandbox is in as well stays', async () => {
    const first = await entered();
    const second = of({ cgroupsPath: `${parent}/pod/other`, sandboxId: 'other' });
    goHome();
    await second.enter(() => {});
    await first.leave();
    for (const { mountPoint } of hierarchies) assert.ok(exists(`${mountPoint}${parent}/pod/kata_other`));
    await second.leave();
    // Made for the first one, which is gone: nobody knows any more whose it was.
    for (const { mountPoint } of hierarchies)
      for (const folder of cgroupsBelow(`${mountPoint}${parent}`).reverse()) removeDirectory(folder);
  });

  test('what a shim that was killed left is removed by what it had saved', async () => {
    let saved: SavedCgroups = { own: [], above: [] };
    const cgroups = await entered({ sandboxCgroupOnly: false });
    saved = structured(cgroups.saved);
    const child = idle();
    cgroups.placeVm(child.pid, [child.pid], true);
    // As the end of both: nobody is in there any more.
    await end(child);
    goHome();
    await removeCgroups(saved);
    assert.deepEqual(left(), []);
    await cgroups.leave();
  });

  test('a cgroup that cannot be made is an error that says what to do, and leaves nothing', async () => {
    const last = hierarchies.at(-1)!.mountPoint;
    mount(last, last, '', MS.BIND);
    mount('', last, '', MS.BIND | MS.REMOUNT | MS.RDONLY);
    const cgroups = of();
    try {
      await assert.rejects(
        cgroups.enter(() => {}),
        {
          errno: 'EROFS',
          message: new RegExp(
            `^put the sandbox into its cgroup ${parent}/pod/box: (make the directory|open) .*: EROFS$`,
          ),
          hint: `let the container manager, and so the shim, write to ${CGROUP_ROOT}`,
        },
      );
    } finally {
      umount(last);
      await cgroups.leave();
    }
  });
}

const structured = (saved: SavedCgroups): SavedCgroups => JSON.parse(JSON.stringify(saved)) as SavedCgroups;

describe('the cgroups of this system', behaves);

const unified = `${CGROUP_ROOT}/unified`;
if (exists(unified))
  describe('the cgroup v2 of a hybrid host', () => {
    before(() => mount(unified, CGROUP_ROOT, '', MS.BIND));
    after(() => umount(CGROUP_ROOT));
    behaves();
  });

test('a host without cgroups runs a sandbox whose vCPUs alone were to be in one, and says so', () => {
  const options = { sandboxId: 'a', cgroupsPath: '/a/b', devices: [], debug: false, log };
  const answer = inChild(() => {
    unshare(CLONE.NEWNS);
    for (const { type, mountPoint } of parseMountInfo(readText('/proc/self/mountinfo')).reverse())
      if (/^cgroup2?$/.test(type)) umount(mountPoint, MNT.DETACH);
    said.length = 0;
    assert.equal(SandboxCgroups.of({ ...options, sandboxCgroupOnly: false }), null);
    assert.throws(() => SandboxCgroups.of({ ...options, sandboxCgroupOnly: true }), {
      message: 'the sandbox is expected to be in the cgroup /a/b, no cgroups are mounted on this host',
      hint: `mount them at ${CGROUP_ROOT}, or set sandbox_cgroup_only = false`,
    });
    return said.join('\n');
  });
  assert.match(answer, /no cgroups are mounted on this host; it runs in none$/);
});

test('a spec that names no cgroup looks at nothing', () => {
  const options = { sandboxId: 'a', cgroupsPath: '', sandboxCgroupOnly: true, devices: [], debug: false, log };
  assert.equal(SandboxCgroups.of(options), null);
});
