import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8Decode } from '../../os/utf8.ts';
import { decodePlan, encodePlan } from './child-plan.ts';
import type { ContainerPlan } from './plan-container.ts';

const FILTER = { instructions: new Uint8Array([6, 0, 0, 0, 0, 0, 255, 127]), flags: 2 };

const plan = (changes: Partial<ContainerPlan['process']> = {}): ContainerPlan => ({
  process: {
    args: ['sh', '-c', 'echo "ü\u0000"'],
    env: ['A=1'],
    cwd: '/',
    terminal: true,
    windowSize: { columns: 80, rows: 24 },
    user: { uid: 1, gid: 2, additionalGids: [3, 4_294_967_294], username: 'ann', umask: 18 },
    stringUser: undefined,
    umask: 18,
    capabilities: { bounding: 2n ** 40n - 1n, effective: 0n, inheritable: 1n, permitted: 2n ** 63n, ambient: 0n },
    rlimits: [{ resource: 7, soft: 1024n, hard: 2n ** 64n - 1n, name: 'RLIMIT_NOFILE' }],
    noNewPrivileges: true,
    oomScoreAdj: -998n,
    seccomp: FILTER,
    ...changes,
  },
  namespaces: { cloneFlags: 1, pidFd: undefined, enter: [], newNetwork: false, opened: [] },
  hostname: 'box',
  sysctls: { 'net.ipv4.ip_forward': '1' },
  rootPath: '/run/r',
  rootReadOnly: true,
  rootPropagation: '',
  mounts: [],
  devices: [{ path: '/dev/x', type: 'c', major: 10n, minor: 229n, fileMode: 0o666, uid: 0, gid: 0 }],
  makesDevices: true,
  fixMtab: true,
  waitsForHooks: false,
  maskedPaths: ['/proc/kcore'],
  readOnlyPaths: [],
});

function handed(of: ContainerPlan, known?: typeof FILTER) {
  return decodePlan(utf8Decode(encodePlan(of, known)), known);
}

test('a plan is the same in the child, but for its namespaces', () => {
  const { namespaces: _, ...expected } = plan();
  const { windowSize, stringUser, ...process } = handed(plan()).process;
  assert.deepEqual(process, (({ windowSize: _w, stringUser: _s, ...rest }) => rest)(expected.process));
  assert.deepEqual([windowSize, stringUser], [{ columns: 80, rows: 24 }, undefined]);
  assert.deepEqual({ ...handed(plan()), process: 0 }, { ...expected, process: 0 });
});

test('what a plan has not, it has not in the child', () => {
  const { oomScoreAdj, seccomp } = handed(plan({ oomScoreAdj: undefined, seccomp: undefined }), FILTER).process;
  assert.deepEqual([oomScoreAdj, seccomp], [undefined, undefined]);
});

test('a filter that the child has is not sent, another one is', () => {
  assert.equal(handed(plan(), FILTER).process.seccomp, FILTER);
  const other = { ...FILTER, instructions: new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]) };
  assert.deepEqual(handed(plan({ seccomp: other }), FILTER).process.seccomp, other);
  assert.ok(encodePlan(plan(), FILTER).length < encodePlan(plan({ seccomp: other }), FILTER).length);
});
