// What is tested on a machine of systemd's own (test/harness/systemd.ts): its process 1 is systemd.
import '../../src/os/polyfill.ts';
import assert from 'node:assert/strict';
import { afterEach, before, test } from 'node:test';
import { joinCgroup, makeCgroup } from '../../src/os/cgroup/cgroup-files.ts';
import { type Hierarchy, pathInHierarchy } from '../../src/os/cgroup/hierarchy.ts';
import { mountedHierarchies } from '../../src/os/cgroup/mounted.ts';
import { exists, readText } from '../../src/os/file.ts';
import { type ChildProcess, spawn } from '../../src/os/process.ts';
import { SIGNAL } from '../../src/os/signal.ts';
import { startScope, stopUnit } from '../../src/os/systemd/manager.ts';
import { sleep } from '../../src/os/timer.ts';
import { SandboxCgroups } from '../../src/sandbox/cgroup/sandbox-cgroups.ts';
import { removeCgroups, type SavedCgroups } from '../../src/sandbox/cgroup/saved-cgroups.ts';
import { run } from '../harness/run.ts';

const said: string[] = [];
const say = (message: string): void => void said.push(message);
const log = { debug: say, info: say, warning: say, error: say };
const SLICE = 'kubepods-burstable-pod7.slice';
const PARENT = `/kubepods.slice/kubepods-burstable.slice/${SLICE}`;
const HOME = '/tests';

let hierarchies: Hierarchy[] = [];
let count = 0;
let children: ChildProcess[] = [];

const isManaged = ({ version, controllers }: Hierarchy): boolean =>
  version === 2 || controllers.includes('name=systemd');
const places = (of: string | number): string[] => {
  const text = readText(`/proc/${of}/cgroup`);
  return hierarchies.map((hierarchy) => pathInHierarchy(hierarchy, text) ?? '?');
};
const idle = (): ChildProcess => {
  const child = spawn(['/bin/sleep', '1000']);
  children.push(child);
  return child;
};
const end = async (child: ChildProcess): Promise<void> => {
  child.kill(SIGNAL.KILL);
  await child.wait();
};
/** A sandbox whose cgroup systemd makes, and where that is. */
const sandbox = (sandboxCgroupOnly: boolean, name = `${count++}`) => ({
  cgroups: SandboxCgroups.of({
    ...{ sandboxId: `id${name}`, cgroupsPath: `${SLICE}:cri-containerd:${name}`, sandboxCgroupOnly },
    ...{ devices: [], debug: false, log },
  })!,
  unit: `cri-containerd-${name}.scope`,
  at: `${PARENT}/cri-containerd-${name}.scope`,
});
const folders = (path: string): string[] =>
  hierarchies.map(({ mountPoint }) => `${mountPoint}${path}`).filter((folder) => exists(folder));
/** systemd forgets a unit a moment after it has ended. */
const isGone = async (unit: string): Promise<boolean> => {
  for (let waitedMs = 0; waitedMs < 3000; waitedMs += 20) {
    if (!exists(`/run/systemd/transient/${unit}`)) return true;
    await sleep(20);
  }
  return false;
};

before(() => {
  hierarchies = mountedHierarchies().placed;
  for (const hierarchy of hierarchies) {
    makeCgroup(hierarchy, HOME);
    joinCgroup(`${hierarchy.mountPoint}${HOME}`);
  }
});
afterEach(async () => {
  for (const child of children) await end(child);
  children = [];
  said.length = 0;
  assert.deepEqual(
    places('self'),
    hierarchies.map(() => HOME),
  );
  assert.deepEqual(folders('/kata_overhead'), []);
});

function withBus(): void {
  test('all of a sandbox is in the scope that systemd has started, and the scope ends with it', async () => {
    const { cgroups, unit, at } = sandbox(true);
    await cgroups.enter(() => {});
    assert.deepEqual(said, []);
    assert.deepEqual(
      places('self'),
      hierarchies.map(() => at),
    );
    assert.ok(exists(`/run/systemd/transient/${unit}`));
    const child = idle();
    cgroups.placeVm(child.pid, [child.pid], true);
    assert.deepEqual(
      places(child.pid),
      hierarchies.map(() => at),
    );
    await end(child);
    await cgroups.leave();
    assert.deepEqual(folders(at), []);
    assert.ok(await isGone(unit));
  });

  test('the scope stays while only the vCPUs are in it', async () => {
    const { cgroups, unit, at } = sandbox(false);
    await cgroups.enter(() => {});
    const child = idle();
    cgroups.placeVm(child.pid, [child.pid], true);
    await sleep(200);
    const v2 = hierarchies[0]!.version === 2;
    assert.deepEqual(
      places(`${child.pid}/task/${child.pid}`),
      hierarchies.map(() => (v2 ? `${at}/vcpus` : at)),
    );
    const overhead = `/kata_overhead/id${count - 1}`;
    assert.deepEqual(
      places('self'),
      hierarchies.map((hierarchy) => (!v2 && isManaged(hierarchy) ? at : overhead)),
    );
    assert.ok(exists(`/run/systemd/transient/${unit}`));
    await end(child);
    await cgroups.leave();
    assert.deepEqual(folders(at), []);
    assert.ok(await isGone(unit));
  });

  test('what a killed shim left, its unit included, is removed by what it had saved; twice is fine', async () => {
    const unit = 'cri-containerd-killed.scope';
    const child = idle();
    await startScope({ unit, slice: SLICE, description: 'test', pids: [child.pid] });
    const own = hierarchies.map(({ mountPoint }) => ({ folder: `${mountPoint}${PARENT}/${unit}`, refuge: mountPoint }));
    for (const hierarchy of hierarchies) {
      makeCgroup(hierarchy, `${PARENT}/${unit}`);
      joinCgroup(`${hierarchy.mountPoint}${PARENT}/${unit}`, child.pid);
    }
    await end(child);
    const saved: SavedCgroups = { own, above: [], unit };
    await removeCgroups(saved);
    await removeCgroups(saved);
    assert.deepEqual(folders(`${PARENT}/${unit}`), []);
    assert.ok(await isGone(unit));
  });

  test('a unit that is there already is said, and the sandbox starts without systemd', async () => {
    const unit = 'cri-containerd-taken.scope';
    const other = idle();
    await startScope({ unit, slice: SLICE, description: 'another', pids: [other.pid] });
    const { cgroups, at } = sandbox(true, 'taken');
    await cgroups.enter(() => {});
    assert.match(
      said.join('\n'),
      /is made without systemd: have systemd start cri-containerd-taken.scope: .*UnitExists/,
    );
    assert.deepEqual(
      places('self'),
      hierarchies.map(() => at),
    );
    await end(other);
    await cgroups.leave();
    await stopUnit(unit);
    assert.ok(await isGone(unit));
  });

  test('a process that systemd cannot find is refused in its own words, and leaves no unit', async () => {
    const child = idle();
    await end(child);
    await assert.rejects(
      startScope({ unit: 'kata-none.scope', slice: SLICE, description: 'test', pids: [child.pid] }),
      /^KataError: have systemd start kata-none.scope: StartTransientUnit: .+ \[.+\]$/,
    );
    await stopUnit('kata-none.scope');
  });

  test('to stop a unit that is not there is fine', () => stopUnit('kata-nowhere.scope'));
}

function withoutBus(): void {
  test('without a bus, the same cgroup is made without systemd, and that is said', async () => {
    const { cgroups, at } = sandbox(true);
    await cgroups.enter(() => {});
    assert.match(said.join('\n'), /is made without systemd: .*connect to \/run\/dbus\/system_bus_socket: ENOENT/);
    assert.deepEqual(
      places('self'),
      hierarchies.map(() => at),
    );
    await cgroups.leave();
    assert.deepEqual(folders('/kubepods.slice'), []);
  });
}

if (exists('/run/dbus/system_bus_socket')) withBus();
else withoutBus();
run('');
