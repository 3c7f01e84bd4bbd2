import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Spec } from '../protocols/gen/oci.ts';
import { parseJson } from './parse-json.ts';
import type { OciSpec } from './spec.ts';
import { networkNamespacePath, processToAgent, sharesPodPids, specToAgent } from './to-agent.ts';

const CONFIG_JSON = `{
  "ociVersion": "1.2.0",
  "process": {
    "terminal": true, "consoleSize": {"height": 24, "width": 80},
    "user": {"uid": 1000, "gid": 1000, "umask": 18, "additionalGids": [4, 5]},
    "args": ["sh"], "env": ["PATH=/bin"], "cwd": "/srv",
    "capabilities": {"bounding": ["CAP_KILL"], "effective": ["CAP_KILL"]},
    "rlimits": [{"type": "RLIMIT_CORE", "hard": 18446744073709551615, "soft": 0}],
    "oomScoreAdj": -998, "apparmorProfile": "cri-containerd.apparmor.d", "selinuxLabel": "x"
  },
  "root": {"path": "rootfs", "readonly": true},
  "hostname": "web-0", "domainname": "example",
  "mounts": [{"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid"]}, {"destination": "/x"}],
  "hooks": {"prestart": [{"path": "/bin/host-only"}]},
  "annotations": {"a": "1", "b": "2"},
  "linux": {
    "sysctl": {"net.core.somaxconn": "1024"},
    "cgroupsPath": "/k8s.io/c1",
    "resources": {
      "devices": [{"allow": false, "access": "rwm"}],
      "memory": {"limit": 9223372036854771712, "swap": -1},
      "cpu": {"shares": 2, "quota": -1, "period": 100000, "cpus": "60-63", "mems": "1", "burst": 20000, "idle": 1},
      "pids": {"limit": 100},
      "blockIO": {"weight": 500, "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 1}]},
      "network": {"classID": 7},
      "unified": {"memory.high": "1000000", "io.max": "8:0 rbps=1", "cpuset.cpus": "60"}
    },
    "namespaces": [
      {"type": "pid", "path": "/proc/42/ns/pid"}, {"type": "network", "path": "/var/run/netns/cni-1"},
      {"type": "ipc", "path": "/proc/42/ns/ipc"}, {"type": "uts"}, {"type": "mount"}, {"type": "cgroup"}, {"type": "time"}
    ],
    "devices": [{"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229}],
    "seccomp": {
      "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "architectures": ["SCMP_ARCH_X86_64"],
      "syscalls": [{"names": ["personality"], "action": "SCMP_ACT_ALLOW",
        "args": [{"index": 0, "value": 18446744073709551615, "op": "SCMP_CMP_EQ"}]}]
    },
    "maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"], "rootfsPropagation": "rslave"
  }
}`;
const config = () => parseJson(CONFIG_JSON, 'config.json') as unknown as OciSpec;

test("what belongs to the container survives the agent's wire, 64-bit limits with every digit", () => {
  const sent = Spec.decode(Spec.encode(specToAgent(config(), { rootPath: '/run/kata-containers/c1/rootfs' })).finish());
  assert.deepEqual(sent.root, { path: '/run/kata-containers/c1/rootfs', readonly: true });
  assert.equal(sent.process?.rlimits[0]?.hard, 18446744073709551615n);
  assert.equal(sent.process?.oomScoreAdj, -998n);
  assert.equal(sent.process?.cwd, '/srv');
  assert.deepEqual(sent.process?.args, ['sh']);
  assert.deepEqual(sent.process?.env, ['PATH=/bin']);
  assert.equal(sent.process?.terminal, true);
  assert.deepEqual(sent.process?.user, { uid: 1000, gid: 1000, additionalGids: [4, 5], username: '', umask: 0o22 });
  assert.deepEqual(sent.process?.consoleSize, { height: 24, width: 80 });
  assert.equal(sent.linux?.resources?.memory?.limit, 9223372036854771712n);
  assert.equal(sent.linux?.resources?.memory?.swap, -1n);
  assert.equal(sent.linux?.resources?.cpu?.quota, -1n);
  assert.deepEqual(sent.linux?.resources?.pids, { limit: 100n });
  assert.deepEqual(sent.mounts[1], { destination: '/x', source: '', type: '', options: [] });
  assert.deepEqual(sent.linux?.devices[0], {
    path: '/dev/fuse',
    type: 'c',
    major: 10n,
    minor: 229n,
    fileMode: 0o666,
    uid: 0,
    gid: 0,
  });
  assert.deepEqual(sent.linux?.maskedPaths, ['/proc/kcore']);
  assert.equal(sent.linux?.seccomp?.defaultErrnoRet, 38);
  assert.equal(sent.linux?.resources?.unified['memory.high'], '1000000');
  assert.deepEqual(sent.linux?.sysctl, { 'net.core.somaxconn': '1024', 'kernel.domainname': 'example' });
});

test('what means something on the host alone stays there', () => {
  const sent = specToAgent(config());
  assert.equal(sent.hooks, undefined);
  assert.deepEqual(sent.linux?.namespaces, [
    { type: 'ipc', path: '' },
    { type: 'uts', path: '' },
    { type: 'mount', path: '' },
  ]);
  assert.deepEqual(sent.linux?.resources?.devices, [
    { allow: false, type: 'a', major: -1n, minor: -1n, access: 'rwm' },
  ]);
  assert.equal(sent.linux?.resources?.cpu?.cpus, '');
  assert.equal(sent.linux?.resources?.cpu?.mems, '');
  assert.equal(sent.linux?.resources?.blockIO?.weight, 500);
  assert.deepEqual(sent.linux?.resources?.blockIO?.throttleReadBpsDevice, []);
  assert.equal(sent.linux?.resources?.network, undefined);
  assert.deepEqual(sent.linux?.resources?.unified, {
    'cpu.max.burst': '20000',
    'cpu.idle': '1',
    'memory.high': '1000000',
  });
  assert.equal(sent.process?.apparmorProfile, '');
});

test('a system call filter goes along unless disable_guest_seccomp says no', () => {
  const seccomp = specToAgent(config()).linux?.seccomp;
  assert.equal(seccomp?.defaultErrnoRet, 38);
  assert.equal(seccomp?.syscalls[0]?.args[0]?.value, 18446744073709551615n);
  assert.equal(specToAgent(config(), { disableGuestSeccomp: true }).linux?.seccomp, undefined);
});

test("the runtime's annotations win over the spec's", () => {
  assert.deepEqual(specToAgent(config(), { annotations: { b: '3', c: '4' } }).annotations, { a: '1', b: '3', c: '4' });
});

test('a pid namespace with a path means that the pod shares its processes', () => {
  assert.equal(sharesPodPids(config()), true);
  assert.equal(sharesPodPids({ ociVersion: '1.2.0', linux: { namespaces: [{ type: 'pid' }] } }), false);
  assert.equal(networkNamespacePath(config()), '/var/run/netns/cni-1');
  assert.equal(networkNamespacePath({ ociVersion: '1.2.0' }), undefined);
});

test('the process of an exec needs nothing but its arguments', () => {
  const sent = processToAgent({ args: ['ls'], cwd: '/' });
  assert.deepEqual(sent.args, ['ls']);
  assert.equal(sent.capabilities, undefined);
  assert.equal(sent.user?.uid, 0);
});
