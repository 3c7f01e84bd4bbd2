import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ErrorCode, KataError } from '../errors/kata-error.ts';
import { specToAgent } from './to-agent.ts';
import { REFUSED } from './unsupported.ts';
import { parseProcess, parseResources, parseSpec } from './validate.ts';

const base = () => ({
  ociVersion: '1.2.0',
  process: { args: ['sh'], cwd: '/' } as Record<string, unknown>,
  root: { path: 'rootfs' } as Record<string, unknown>,
  linux: {} as Record<string, unknown>,
});

function check(change: (spec: ReturnType<typeof base> & Record<string, unknown>) => void) {
  const spec = base();
  change(spec as never);
  return parseSpec(JSON.stringify(spec), '/bundle/config.json');
}

function refused(change: Parameters<typeof check>[0], code: ErrorCode, ...words: string[]) {
  assert.throws(
    () => check(change),
    (error) => {
      assert.ok(error instanceof KataError, String(error));
      assert.equal(error.code, code);
      for (const word of words) assert.ok(error.message.includes(word), `'${word}' in: ${error.message}`);
      assert.ok(error.hint);
      return true;
    },
  );
}

test('the smallest configuration is accepted, unknown properties too', () => {
  const { spec, ignored } = check((s) => {
    s.solaris = { anet: [] };
    s['org.example'] = 1;
  });
  assert.deepEqual(spec.process?.args, ['sh']);
  assert.deepEqual(ignored, []);
});

test('null is what Go writes for a field that is not set', () => {
  const { spec } = check((s) => {
    s.process.capabilities = null;
    s.mounts = null;
    s.linux.resources = { memory: { limit: null }, devices: null };
  });
  assert.equal(spec.process?.capabilities, undefined);
  assert.deepEqual(spec.linux?.resources, { memory: {} });
});

test('a field of a wrong kind is named by its path, with what was expected and found', () => {
  refused((s) => (s.process.args = 'sh -c true'), 'invalid-argument', 'process.args', 'a list', "'sh -c true'");
  refused((s) => (s.process.args = []), 'invalid-argument', 'process.args', 'a command');
  refused((s) => (s.process.cwd = 'tmp'), 'invalid-argument', 'process.cwd', 'absolute', "'tmp'");
  refused((s) => (s.process.env = ['A=1', 'B']), 'invalid-argument', 'process.env[1]', "'B'");
  refused((s) => (s.process.args = ['a\0b']), 'invalid-argument', 'process.args[0]', 'NUL');
  refused((s) => (s.process.user = { uid: -1 }), 'invalid-argument', 'process.user.uid', '-1');
  refused((s) => (s.process.oomScoreAdj = 1001), 'invalid-argument', 'process.oomScoreAdj', '1001');
  refused((s) => (s.root = {}), 'invalid-argument', 'root.path', 'nothing');
  refused((s) => (s.ociVersion = '2.0.0'), 'invalid-argument', 'ociVersion', "'2.0.0'");
  refused((s) => (s.linux.namespaces = [{ type: 'pids' }]), 'invalid-argument', 'linux.namespaces[0].type', "'pids'");
  refused(
    (s) => (s.linux.namespaces = [{ type: 'pid' }, { type: 'pid' }]),
    'invalid-argument',
    'linux.namespaces[1].type',
  );
  refused(
    (s) => (s.linux.resources = { memory: { limit: 1.5 } }),
    'invalid-argument',
    'linux.resources.memory.limit',
    '1.5',
  );
});

test('a name that would climb out of its folder is refused', () => {
  refused((s) => (s.linux.sysctl = { 'net/../../../etc/passwd': 'x' }), 'invalid-argument', 'linux.sysctl');
  refused((s) => (s.linux.resources = { unified: { '../cpu.max': '1' } }), 'invalid-argument', 'unified');
  check((s) => (s.linux.sysctl = { 'net.ipv4.conf.eth0/1.forwarding': '1', 'net/core/somaxconn': '1' }));
});

/** For each row of the table of what is refused: a spec that uses it. */
const USES: [string, Parameters<typeof check>[0]][] = [
  ['linux.uidMappings', (s) => (s.linux.uidMappings = [{ containerID: 0, hostID: 1000, size: 1 }])],
  ['linux.namespaces[0]', (s) => (s.linux.namespaces = [{ type: 'user' }])],
  ["linux.timeOffsets['boottime']", (s) => (s.linux.timeOffsets = { boottime: { secs: 1 } })],
  ['mounts[0].options', (s) => (s.mounts = [{ destination: '/a', options: ['rbind', 'idmap'] }])],
  [
    'mounts[0].uidMappings',
    (s) => (s.mounts = [{ destination: '/a', uidMappings: [{ containerID: 0, hostID: 1, size: 1 }] }]),
  ],
  ['linux.seccomp.listenerPath', (s) => (s.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', listenerPath: '/s' })],
  [
    'linux.seccomp.syscalls[0].action',
    (s) =>
      (s.linux.seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['mount'], action: 'SCMP_ACT_NOTIFY' }],
      }),
  ],
  ['linux.personality.domain', (s) => (s.linux.personality = { domain: 'LINUX32' })],
  ['linux.intelRdt', (s) => (s.linux.intelRdt = { closID: 'a' })],
  ['linux.memoryPolicy', (s) => (s.linux.memoryPolicy = { mode: 'MPOL_BIND' })],
  ["linux.netDevices['eth0']", (s) => (s.linux.netDevices = { eth0: {} })],
  ["linux.resources.rdma['mlx5_1']", (s) => (s.linux.resources = { rdma: { mlx5_1: {} } })],
  ['linux.devices[0]', (s) => (s.linux.devices = [{ path: '/dev/vport0p1', type: 'c', major: 245, minor: 1 }])],
  ['process.scheduler', (s) => (s.process.scheduler = { policy: 'SCHED_FIFO' })],
];

for (const [path, change] of USES)
  test(`${path}: what we do not serve is refused by name`, () => refused(change, 'unimplemented', path));

test('every row of the table of what is refused has been seen to refuse', () => {
  const unseen = REFUSED.filter(
    ({ find }) =>
      !USES.some(([, change]) => {
        const spec = base();
        change(spec as never);
        return find(spec as never) !== undefined;
      }),
  );
  assert.deepEqual(unseen, []);
});

test('the plain personality and ordinary character devices are no reason to refuse', () => {
  check((s) => {
    s.linux.personality = { domain: 'LINUX' };
    s.linux.devices = [{ path: '/dev/fuse', type: 'c', major: 10, minor: 229 }];
    s.linux.seccomp = { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 38 };
  });
});

test('what means something on the host alone is left out, and said', () => {
  const { ignored } = check((s) => {
    s.process.apparmorProfile = 'docker-default';
    s.linux.resources = {
      devices: [{ allow: true, type: 'b', major: 8, access: 'r' }],
      cpu: { cpus: '0-3' },
      blockIO: { throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1 }] },
    };
  });
  assert.deepEqual(
    ignored.map(({ path }) => path),
    [
      'linux.resources.devices[0]',
      'process.apparmorProfile',
      'linux.resources.cpu.cpus',
      'linux.resources.blockIO.throttleReadBpsDevice',
    ],
  );
  assert.equal(ignored[0]?.found, 'b 8:*');
});

test("a privileged container starts with the guest's devices; those of the host are left out", () => {
  const { spec, ignored } = check((s) => {
    s.linux.resources = {
      devices: [
        { allow: false, access: 'rwm' },
        { allow: true, access: 'rwm' },
      ],
    };
    s.linux.devices = [
      { path: '/dev/fuse', type: 'c', major: 10, minor: 229 },
      { path: '/dev/sda', type: 'b', major: 8, minor: 0 },
    ];
  });
  assert.deepEqual(
    ignored.map(({ found }) => found),
    ['/dev/sda (b 8:0)'],
  );
  assert.deepEqual(
    specToAgent(spec).linux?.devices.map(({ path }) => path),
    ['/dev/fuse'],
  );
});

test("an exec's process and an update's resources are checked the same way", () => {
  assert.deepEqual(parseProcess('{"args":["ls"],"cwd":"/"}', 'exec').args, ['ls']);
  assert.throws(() => parseProcess('{"cwd":"/"}', 'exec'), /args/);
  assert.throws(() => parseProcess('[]', 'exec'), /object/);
  assert.equal(
    parseResources('{"memory":{"limit":9223372036854771712}}', 'update').memory?.limit,
    9223372036854771712n,
  );
  assert.throws(() => parseResources('{"cpu":{"quota":"1"}}', 'update'), /cpu\.quota/);
});
