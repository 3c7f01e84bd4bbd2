import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planCgroups } from './cgroup-plan.ts';

const path = (cgroupsPath: string) => planCgroups(cgroupsPath, 'id', true)?.path ?? null;

test('the last name of a path gets the prefix that tells ours', () => {
  assert.equal(path('/kubepods/besteffort/pod1/0a'), '/kubepods/besteffort/pod1/kata_0a');
  assert.equal(path('/k8s.io/a:b'), '/k8s.io/kata_a:b');
  assert.equal(path('mine/a'), '/vc/mine/kata_a');
});

test('no path leads above the root of the hierarchy', () => {
  assert.equal(path('/../../etc/./a'), '/etc/kata_a');
  assert.equal(path('../../a'), '/kata_a');
});

test('a spec without a path has no cgroup', () => {
  for (const none of ['', '/', '/..']) assert.equal(path(none), null);
});

test("systemd's path is a scope within its slice, whoever else is to be in it", () => {
  const scope = { unit: 'cri-containerd-0a.scope', slice: 'kubepods-pod1.slice' };
  const at = '/kubepods.slice/kubepods-pod1.slice/cri-containerd-0a.scope';
  const planned = (only: boolean) => planCgroups('kubepods-pod1.slice:cri-containerd:0a', 'id', only);
  assert.deepEqual(planned(true), { path: at, scope, overheadPath: null });
  assert.deepEqual(planned(false), { path: at, scope, overheadPath: '/kata_overhead/id' });
  assert.equal(path(':docker:0a'), '/system.slice/docker-0a.scope');
  assert.equal(path('user.slice::0a'), '/user.slice/0a.scope');
});

test('a slice or a name that systemd would not take is refused', () => {
  assert.throws(() => path('a-.slice:b:c'), /a slice like/);
  assert.throws(() => path('a.slice:b/..:c'), /a unit's name/);
});
