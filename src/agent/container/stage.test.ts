import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChildPlan } from './child-plan.ts';
import type { ContainerPlan } from './plan-container.ts';
import type { PlannedMount } from './plan-mounts.ts';
import { matchStage, planStage } from './stage.ts';

const mountOf = (destination: string, type: string, data = '', changes: Partial<PlannedMount> = {}): PlannedMount => ({
  kind: type === 'bind' ? 'bind' : 'file-system',
  destination,
  source: type,
  type,
  flags: 0,
  data,
  attributes: { set: 0, clear: 0, recursiveSet: 0, recursiveClear: 0 },
  propagation: [],
  recursive: false,
  copyUp: false,
  lateReadOnly: false,
  ...changes,
});
const PROC = mountOf('/proc', 'proc');
const DEV = mountOf('/dev', 'tmpfs', 'mode=755');
const SHM = mountOf('/dev/shm', 'tmpfs', 'mode=1777');
const SYS = mountOf('/sys', 'sysfs');
const HOSTS = mountOf('/etc/hosts', 'bind');

/** What of a plan the stage looks at. */
function planOf(
  mounts: PlannedMount[],
  maskedPaths: readonly string[] = [],
  readOnlyPaths: readonly string[] = [],
): ContainerPlan {
  return { mounts: mounts.map((mount) => ({ ...mount })), maskedPaths, readOnlyPaths } as unknown as ContainerPlan;
}

const destinationsOf = (plan: ChildPlan, staged = planStage(plan as ContainerPlan)): string[] =>
  [...matchStage(staged, plan).there.keys()].map(({ destination }) => destination);

test('file systems are staged, what needs the image is not', () => {
  const staged = planStage(
    planOf([
      PROC,
      DEV,
      SHM,
      HOSTS,
      mountOf('/run', 'tmpfs', 'size=1m'),
      mountOf('/a', 'tmpfs', 'mode=755', { copyUp: true }),
      mountOf('/b', 'tmpfs', 'mode=755', { lateReadOnly: true }),
      mountOf('/c', 'tmpfs', 'mode=755', { propagation: [1] }),
    ]),
  );
  assert.deepEqual(
    staged.map(({ mount, place }) => [mount.destination, place]),
    [
      ['/proc', '/proc'],
      ['/dev', '/dev'],
      ['/dev/shm', '/nested2'],
    ],
  );
});

test('a container like the one that was prepared gets it all, in one piece', () => {
  const plan = planOf([PROC, DEV, SHM, SYS, HOSTS], ['/proc/kcore', '/sys/firmware'], ['/proc/sys']);
  const match = matchStage(planStage(plan), planOf([PROC, DEV, SHM, SYS, HOSTS], plan.maskedPaths, ['/proc/sys']));
  assert.deepEqual([...match.there.keys()].length, 4);
  assert.deepEqual([match.masked, match.readOnly, match.hasDevices], [[], [], true]);
});

test('what is masked beyond is left to be masked', () => {
  const staged = planStage(planOf([PROC], ['/proc/kcore']));
  const match = matchStage(staged, planOf([PROC], ['/proc/kcore', '/proc/interrupts', '/sys/firmware'], ['/proc/sys']));
  assert.deepEqual(
    [match.there.size, match.masked, match.readOnly],
    [1, ['/proc/interrupts', '/sys/firmware'], ['/proc/sys']],
  );
});

test('a container that may see what is masked gets a file system of its own', () => {
  const staged = planStage(planOf([PROC, DEV], ['/proc/kcore'], ['/proc/sys']));
  assert.deepEqual(destinationsOf(planOf([PROC, DEV], [], ['/proc/sys']), staged), ['/dev']);
  assert.deepEqual(destinationsOf(planOf([PROC, DEV], ['/proc/kcore'], []), staged), ['/dev']);
});

test('other options, another place or order of nesting make another file system', () => {
  const staged = planStage(planOf([PROC, DEV, SHM]));
  assert.deepEqual(
    destinationsOf(planOf([mountOf('/proc', 'proc', 'hidepid=2'), mountOf('/dev/shm', 'tmpfs', 'mode=755')]), staged),
    [],
  );
  assert.deepEqual(destinationsOf(planOf([SHM]), staged), ['/dev/shm']);
});

test('two mounts that are alike are two file systems', () => {
  assert.equal(matchStage(planStage(planOf([DEV])), planOf([DEV, DEV])).there.size, 1);
});

test('a mask never comes to lie below a mount of the container', () => {
  const staged = planStage(planOf([PROC, SYS], ['/proc/kcore'], ['/proc/sys']));
  for (const destination of ['/proc/kcore', '/proc/sys', '/proc/sys/net'])
    assert.deepEqual(
      destinationsOf(planOf([PROC, SYS, mountOf(destination, 'bind')], ['/proc/kcore'], ['/proc/sys']), staged),
      ['/sys'],
    );
  const beside = planOf([PROC, mountOf('/proc/cpuinfo', 'bind')], ['/proc/kcore'], ['/proc/sys']);
  assert.deepEqual(destinationsOf(beside, staged), ['/proc']);
});
