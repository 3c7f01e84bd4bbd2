// Which devices of the guest a container can use: through the agent alone, and through every way of starting one.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { DEFAULT_CAPABILITIES } from '../../src/oci/default-spec.ts';
import type { LinuxDevice, LinuxDeviceCgroup } from '../../src/protocols/gen/oci.ts';
import { AgentVm } from '../harness/agent-vm.ts';
import { Containerd, IMAGE } from '../harness/containerd.ts';
import { busyboxImage, containerRequest, exec, readAll } from '../harness/guest-container.ts';
import { coverState, kata } from '../harness/kata-runtime.ts';

const LIMIT = { timeout: 90_000 };
const DENY_ALL: LinuxDeviceCgroup = { allow: false, type: 'a', major: -1n, minor: -1n, access: 'rwm' };
const ALLOW_ALL: LinuxDeviceCgroup = { ...DENY_ALL, allow: true };
/** The disk of the container's own root, and the kernel's log, which anybody may write to who may open it. */
const READ_DISK = 'busybox mknod /tmp/disk b 8 0 && echo made; head -c 1 /tmp/disk | busybox wc -c';
/** The same of the disk in the first slot, which the root is on. */
const READ_ROOT =
  'busybox mknod /tmp/disk b $(busybox tr : " " < /sys/block/vda/dev) && echo made; head -c 1 /tmp/disk | busybox wc -c';
const WRITE_LOG =
  'busybox mknod /tmp/log c 1 11 && echo made; echo "a word of the container" > /tmp/log && echo written';

describe('a container in a guest', () => {
  let vm: AgentVm;
  before(async () => {
    vm = await AgentVm.boot();
    await vm.plugDisk(busyboxImage(vm.folder), 1);
    await vm.agent.createSandbox({
      hostname: 'pod',
      dns: [],
      storages: [],
      sandboxPidns: false,
      sandboxId: 'sandbox1',
      guestHookPath: '',
      kernelModules: [],
    });
  }, LIMIT);
  after(() => vm?.close());

  /** Makes and starts a container with these rules. */
  async function start(name: string, args: string[], rules: LinuxDeviceCgroup[], devices: LinuxDevice[] = []) {
    const request = containerRequest(name, args);
    request.OCI!.linux!.resources!.devices = rules;
    request.OCI!.linux!.devices = devices;
    const sets = [...DEFAULT_CAPABILITIES];
    request.OCI!.process!.capabilities = {
      bounding: sets,
      effective: sets,
      permitted: sets,
      inheritable: [],
      ambient: [],
    };
    await vm.agent.createContainer(request);
    await vm.agent.startContainer({ containerId: name });
  }

  /** All that a container with these rules says. */
  async function words(script: string, rules: LinuxDeviceCgroup[], devices: LinuxDevice[] = []): Promise<string> {
    const containerId = 'box';
    await start(containerId, ['sh', '-c', script], rules, devices);
    const said = [await readAll(vm, containerId), await readAll(vm, containerId, containerId, 'readStderr')].join('');
    await vm.agent.waitProcess({ containerId, execId: containerId });
    await vm.agent.removeContainer({ containerId, timeout: 0 });
    return said;
  }

  it('makes a node for the disk that it runs from, and cannot read it', LIMIT, async () => {
    assert.match(await words(READ_DISK, [DENY_ALL]), /^made\n0\n.*Operation not permitted/);
  });

  it("cannot open the kernel's log, nor the port of the agent", LIMIT, async () => {
    assert.match(await words(WRITE_LOG, [DENY_ALL]), /^made\n.*Operation not permitted/);
    const port =
      'cat /sys/class/virtio-ports/*/dev | busybox tr : " " | { read major minor; busybox mknod /tmp/port c $major $minor; } && echo made; true < /tmp/port && echo opened';
    assert.match(await words(port, [DENY_ALL]), /^made\n.*Operation not permitted/);
  });

  it('has the usual devices, and terminals', LIMIT, async () => {
    const script =
      'echo x > /dev/null && head -c 2 /dev/zero | busybox wc -c; head -c 3 /dev/urandom | busybox wc -c; true <> /dev/ptmx && echo ptmx';
    assert.equal(await words(script, [DENY_ALL]), '2\n3\nptmx\n');
  });

  it('can use a device that it is given, as its rule says', LIMIT, async () => {
    const log = { path: '/tmp/log', type: 'c', major: 1n, minor: 11n, fileMode: 0o600, uid: 0, gid: 0 };
    const script = 'echo "a word of the container" > /tmp/log && echo written';
    assert.equal(await words(script, [DENY_ALL], [log]), 'written\n');
    const readOnly = { allow: true, type: 'c', major: 1n, minor: 11n, access: 'r' };
    assert.match(await words(script, [DENY_ALL, readOnly], [log]), /Operation not permitted/);
  });

  it('can use every device when it is privileged, or when a shim like upstream`s sends no rules', LIMIT, async () => {
    for (const rules of [[DENY_ALL, ALLOW_ALL], [ALLOW_ALL], []])
      assert.equal(await words(`${READ_DISK}; ${WRITE_LOG}`, rules), 'made\n1\nmade\nwritten\n');
  });

  it('is limited in every process, also after other limits were changed', LIMIT, async () => {
    const containerId = 'long';
    await start(containerId, ['sh', '-c', 'busybox mknod /tmp/disk b 8 0; echo made; sleep 1000'], [DENY_ALL]);
    await vm.agent.readStdout({ containerId, execId: containerId, len: 5 });
    const resources = {
      ...containerRequest('x', []).OCI!.linux!.resources!,
      devices: [ALLOW_ALL],
      pids: { limit: 50n },
    };
    await vm.agent.updateContainer({ containerId, resources });
    const { stdout, stderr } = await exec(vm, containerId, 'e', ['head', '-c', '1', '/tmp/disk']);
    assert.equal(stdout, '');
    assert.match(stderr, /Operation not permitted/);
    await vm.agent.removeContainer({ containerId, timeout: 0 });
  });
});

describe('a container of a person', () => {
  let uncover: () => void;
  before(() => {
    uncover = coverState();
  });
  after(() => uncover());

  it('cannot read the disks of its guest by kata-runtime', LIMIT, async () => {
    const { stdout, stderr } = await kata([
      'run',
      '--rm',
      'busybox',
      'sh',
      '-c',
      `${READ_ROOT}; echo x > /dev/null && echo null`,
    ]);
    assert.equal(stdout, 'made\n0\nnull\n');
    assert.match(stderr, /Operation not permitted/);
  });
});

describe('a container of containerd', () => {
  let containerd: Containerd;
  before(async () => {
    containerd = await Containerd.start('1.7');
  }, LIMIT);
  after(() => containerd?.stop(), LIMIT);

  it('cannot read the disks of its guest, and can when it is privileged', LIMIT, async () => {
    const usual = await containerd.run(['--rm', IMAGE, 'usual', 'sh', '-c', READ_ROOT]);
    assert.equal(usual.stdout, 'made\n0\n');
    assert.match(usual.stderr, /Operation not permitted/);
    const privileged = ['--privileged', '--device', '/dev/fuse'];
    const all = await containerd.run(['--rm', ...privileged, IMAGE, 'privileged', 'sh', '-c', READ_ROOT]);
    assert.equal(all.stdout, 'made\n1\n', all.stderr);
  });

  it('can use a device of the same number in the guest that it is given', LIMIT, async () => {
    const script = 'ls -l /dev/fuse | busybox awk "{print \\$5, \\$6}"; true < /dev/fuse && echo opened';
    const { stdout, stderr } = await containerd.run([
      '--rm',
      '--device',
      '/dev/fuse',
      IMAGE,
      'fuse',
      'sh',
      '-c',
      script,
    ]);
    assert.match(stdout, /^10, 229\n/, stderr);
    assert.doesNotMatch(stderr, /not permitted/);
  });
});
