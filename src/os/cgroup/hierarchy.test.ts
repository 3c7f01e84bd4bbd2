import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHierarchies, pathInHierarchy } from './hierarchy.ts';

const ROOT = '22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw';
const mount = (mountPoint: string, type: string, options: string, root = '/') =>
  `31 30 0:28 ${root} ${mountPoint} rw,nosuid,relatime shared:9 - ${type} ${type} ${options}`;

test('a host with cgroup v2 has one hierarchy', () => {
  const text = `${ROOT}\n${mount('/sys/fs/cgroup', 'cgroup2', 'rw,nsdelegate,memory_recursiveprot')}\n`;
  const placed = [{ version: 2, controllers: [], mountPoint: '/sys/fs/cgroup' }];
  assert.deepEqual(parseHierarchies(text), { placed, tracker: null });
});

test('of a hybrid host those of v1 are used, each with its controllers', () => {
  const text = [
    ROOT,
    mount('/sys/fs/cgroup/unified', 'cgroup2', 'rw'),
    mount('/sys/fs/cgroup/systemd', 'cgroup', 'rw,xattr,release_agent=/lib/systemd/systemd-cgroups-agent,name=systemd'),
    mount('/sys/fs/cgroup/cpu,cpuacct', 'cgroup', 'rw,cpu,cpuacct'),
    mount('/sys/fs/cgroup/cpuset', 'cgroup', 'rw,cpuset,clone_children'),
  ].join('\n');
  assert.deepEqual(
    parseHierarchies(text).placed.map(({ controllers, mountPoint }) => [controllers.join(), mountPoint]),
    [
      ['name=systemd', '/sys/fs/cgroup/systemd'],
      ['cpu,cpuacct', '/sys/fs/cgroup/cpu,cpuacct'],
      ['cpuset', '/sys/fs/cgroup/cpuset'],
    ],
  );
  assert.equal(parseHierarchies(text).tracker?.mountPoint, '/sys/fs/cgroup/unified');
});

test('a hierarchy that is mounted elsewhere too is the usual one', () => {
  const usual = mount('/sys/fs/cgroup/cpu', 'cgroup', 'rw,cpu');
  const other = mount('/srv/jail/cpu', 'cgroup', 'rw,cpu');
  for (const text of [`${usual}\n${other}`, `${other}\n${usual}`])
    assert.deepEqual(
      parseHierarchies(text).placed.map(({ mountPoint }) => mountPoint),
      ['/sys/fs/cgroup/cpu'],
    );
});

test('a host without cgroups has none', () => {
  assert.deepEqual(parseHierarchies(ROOT), { placed: [], tracker: null });
});

test('a process is found in each hierarchy', () => {
  const text = '9:name=systemd:/system.slice/containerd.service\n4:cpu,cpuacct:/a:b\n2:memory:/../x\n0::/init.scope\n';
  const v1 = (...controllers: string[]) => ({ version: 1 as const, controllers, mountPoint: '' });
  assert.equal(pathInHierarchy(v1('name=systemd'), text), '/system.slice/containerd.service');
  assert.equal(pathInHierarchy(v1('cpu', 'cpuacct'), text), '/a:b');
  assert.equal(pathInHierarchy(v1('memory'), text), null);
  assert.equal(pathInHierarchy(v1('pids'), text), null);
  assert.equal(pathInHierarchy({ version: 2, controllers: [], mountPoint: '' }, text), '/init.scope');
});
