// Our agent in a real VM: every way in which a volume or a device gets into a container.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { Storage } from '../../src/protocols/gen/agent.ts';
import { FSGroupChangePolicy } from '../../src/protocols/gen/types.ts';
import { AgentVm } from '../harness/agent-vm.ts';
import { busyboxImage, type ContainerWishes, containerRequest, exec, readAll } from '../harness/guest-container.ts';

const options = { timeout: 60_000 };
const SHARED = '/run/kata-containers/shared/containers';
const SANDBOX = '/run/kata-containers/sandbox';
let vm: AgentVm;

before(async () => {
  const ports = [1, 2, 3].flatMap((n) => ['-device', `pcie-root-port,id=rp${n},chassis=${n},addr=0x1${n}`]);
  vm = await AgentVm.boot({ append: 'agent.log=debug', devices: ports });
  await vm.plugDisk(busyboxImage(vm.folder), 1);
  await vm.agent.createSandbox({
    hostname: '',
    dns: [],
    storages: [],
    sandboxPidns: false,
    sandboxId: 'sandbox1',
    guestHookPath: '',
    kernelModules: [],
  });
});
after(async () => {
  await vm?.close();
});

function storage(
  driver: string,
  source: string,
  fstype: string,
  mountPoint: string,
  more: Partial<Storage> = {},
): Storage {
  const none = { driverOptions: [], options: [], fsGroup: undefined, shared: false };
  return { driver, source, fstype, mountPoint, ...none, ...more };
}

/** A container that has these storages, each at `/v` and its number. */
async function withStorages(name: string, storages: Storage[], more: ContainerWishes = {}): Promise<void> {
  const mounts = storages.map(({ mountPoint }, i) => ({
    destination: `/v${i}`,
    source: mountPoint,
    type: 'bind',
    options: ['rbind'],
  }));
  await vm.agent.createContainer(containerRequest(name, ['sleep', '10000'], { storages, mounts, ...more }));
  await vm.agent.startContainer({ containerId: name });
}

let commands = 0;
async function shell(container: string, command: string): Promise<string> {
  const { stdout, stderr } = await exec(vm, container, `c${commands++}`, ['sh', '-c', command]);
  assert.equal(stderr, '');
  return stdout;
}

const remove = (containerId: string) => vm.agent.removeContainer({ containerId, timeout: 0 });

/** An ext4 image with one file, made by the host. */
function ext4Image(name: string, content: string): string {
  const root = path.join(vm.folder, name);
  mkdirSync(path.join(root, 'folder'), { recursive: true });
  writeFileSync(path.join(root, 'folder/file'), content, { mode: 0o600 });
  execFileSync('mkfs.ext4', ['-q', '-d', root, `${root}.img`, '8M'], { stdio: 'ignore' });
  return `${root}.img`;
}

async function plugVirtioBlk(image: string, port: number): Promise<void> {
  const monitor = await vm.monitor();
  await monitor.execute('blockdev-add', {
    driver: 'raw',
    'node-name': `b${port}`,
    file: { driver: 'file', filename: image },
  });
  await monitor.execute('device_add', {
    driver: 'virtio-blk-pci',
    id: `v${port}`,
    bus: `rp${port}`,
    drive: `b${port}`,
  });
}

test(
  'a virtio-blk disk is found by its PCI path, its driver and its file system are loaded when they are needed',
  options,
  async () => {
    await plugVirtioBlk(ext4Image('one', 'on virtio'), 1);
    await withStorages('blk', [storage('blk', '11/00', 'ext4', `${SHARED}/blk-volume`)]);
    assert.equal(await shell('blk', 'cat /v0/folder/file; echo more > /v0/new; cat /v0/new'), 'on virtiomore\n');
    await remove('blk');
    await assert.rejects(
      withStorages('odd', [storage('blk', '11/00/', 'ext4', `${SHARED}/odd-volume`)]),
      /a PCI path like 02\/01 is expected/,
    );
  },
);

test('a pod`s group gets the volume, and all that is in it', options, async () => {
  await plugVirtioBlk(ext4Image('two', 'grouped'), 2);
  const fsGroup = { groupId: 2000, groupChangePolicy: FSGroupChangePolicy.Always };
  await withStorages('group', [storage('blk', '12/00', 'ext4', `${SHARED}/group-volume`, { fsGroup })]);
  const listing = await shell('group', 'ls -ldn /v0 /v0/folder /v0/folder/file');
  const [root, folder, file] = listing.split('\n').map((line) => line.split(/\s+/));
  assert.deepEqual([root?.[0], root?.[3]], ['drwxrwsr-x', '2000']);
  assert.deepEqual([folder?.[0], folder?.[3]], ['drwxrwsr-x', '2000']);
  assert.deepEqual([file?.[0], file?.[3]], ['-rw-rw----', '2000']);
  await remove('group');
});

test('a file system that is made in the guest is refused, before the disk is looked for', options, async () => {
  const made = storage('blk', '1f/00', 'ext4', `${SHARED}/made`, { driverOptions: ['create_filesystem=true'] });
  await assert.rejects(withStorages('made', [made]), /create_filesystem needs mkfs.ext4/);
});

test('a raw disk is a device of the container, by the guest`s numbers', options, async () => {
  await vm.plugDisk(ext4Image('raw', 'raw'), 5);
  const request = containerRequest('raw', ['sleep', '10000']);
  const [major, minor] = [259n, 77n];
  request.devices = [{ id: '0:5', type: 'scsi', vmPath: '', containerPath: '/dev/xvda', options: [] }];
  const device = { path: '/dev/xvda', type: 'b', major, minor, fileMode: 0o660, uid: 0, gid: 0 };
  request.OCI?.linux?.devices.push(device);
  await vm.agent.createContainer(request);
  await vm.agent.startContainer({ containerId: 'raw' });
  assert.match(await shell('raw', 'ls -l /dev/xvda'), /^br.* 8, +\d+ .*\/dev\/xvda$/m);
  // The magic number of ext4 stands at byte 1080.
  const magic = await shell(
    'raw',
    'dd if=/dev/xvda bs=1 skip=1080 count=2 2>/dev/null | busybox hexdump -e \'2/1 "%02x"\'',
  );
  assert.equal(magic, '53ef');
  await remove('raw');
  request.devices[0] = { ...request.devices[0]!, type: 'vfio-ap' };
  await assert.rejects(vm.agent.createContainer(request), /a device of type scsi, .* is expected, found vfio-ap/);
});

test('a disk of the host is swap, found by its PCI path', options, async () => {
  const image = path.join(vm.folder, 'swap.img');
  writeFileSync(image, Buffer.alloc(8 << 20));
  execFileSync('mkswap', [image], { stdio: 'ignore' });
  await plugVirtioBlk(image, 3);
  await vm.agent.addSwap({ PCIPath: [0x13, 0] });
  await withStorages('swap', []);
  assert.match(await shell('swap', 'cat /proc/swaps'), /^\/dev\/vd\w+ +partition\s+8188/m);
  await remove('swap');
});

test('the reason that a container leaves is told, and what the host copied for it goes with it', options, async () => {
  const source = `${SHARED}/reason-0123-termination-log`;
  const owner = { uid: 0, gid: 0, offset: 0n, dirMode: 0o755 };
  await vm.agent.copyFile({ path: source, fileMode: 0o100666, fileSize: 0n, data: new Uint8Array(), ...owner });
  const mounts = [{ destination: '/dev/termination-log', source, type: 'bind', options: ['rbind', 'rw'] }];
  const request = containerRequest('reason', ['sleep', '10000'], { mounts });
  if (request.OCI)
    request.OCI.annotations = { 'io.kubernetes.container.terminationMessagePath': '/dev/termination-log' };
  await vm.agent.createContainer(request);
  await vm.agent.startContainer({ containerId: 'reason' });
  const asked = { logType: 'termination_log', containerId: 'reason' };
  assert.equal((await vm.agent.getDiagnosticData(asked)).data, '');
  await shell('reason', 'echo out of coffee > /dev/termination-log');
  assert.equal((await vm.agent.getDiagnosticData(asked)).data, 'out of coffee\n');
  await remove('reason');
  await withStorages('eyes2', [], {
    mounts: [{ destination: '/shared', source: SHARED, type: 'bind', options: ['rbind', 'ro'] }],
  });
  assert.doesNotMatch(await shell('eyes2', 'ls /shared'), /reason/);
  await remove('eyes2');
});

test('a watched volume follows the host within seconds', options, async () => {
  const put = (name: string, text: string) => {
    const data = Buffer.from(text);
    const owner = { uid: 0, gid: 0, offset: 0n, dirMode: 0o755 };
    return vm.agent.copyFile({
      path: `${SHARED}/config/${name}`,
      fileMode: 0o100644,
      fileSize: BigInt(data.length),
      data,
      ...owner,
    });
  };
  await put('key', 'first');
  await withStorages('watch', [storage('watchable-bind', `${SHARED}/config`, 'bind', `${SHARED}/watchable/config`)]);
  assert.equal(await shell('watch', 'cat /v0/key'), 'first');
  await put('key', 'second');
  await put('later', 'new');
  const deadline = Date.now() + 20_000;
  while ((await shell('watch', 'cat /v0/key')) !== 'second' || !(await shell('watch', 'ls /v0')).includes('later'))
    assert.ok(Date.now() < deadline, 'the copy did not follow');
  assert.equal(await shell('watch', 'cat /v0/later'), 'new');
  await remove('watch');
});

test('folders of the guest and huge pages are volumes', options, async () => {
  await withStorages('kinds', [
    storage('local', 'local', 'local', `${SANDBOX}/storage/l1`, { options: ['mode=0750', 'fsgid=1500'] }),
    storage('ephemeral', 'hugetlbfs', 'hugetlbfs', `${SANDBOX}/ephemeral/h1`, {
      options: ['pagesize=2097152', 'size=4194304'],
    }),
    storage('ephemeral', 'tmpfs', 'tmpfs', `${SANDBOX}/ephemeral/t1`, { options: ['size=65536', 'noexec'] }),
  ]);
  assert.match(await shell('kinds', 'ls -ldn /v0'), /^drwxr-s---\s+\d+\s+0\s+1500/);
  const mounts = await shell('kinds', 'cat /proc/mounts');
  assert.match(mounts, /^\S+ \/v1 hugetlbfs .*pagesize=2M/m);
  assert.match(mounts, /^tmpfs \/v2 tmpfs .*noexec.*size=64k/m);
  const full = await exec(vm, 'kinds', 'full', ['dd', 'if=/dev/zero', 'of=/v2/x', 'bs=1k', 'count=100']);
  assert.match(full.stderr, /No space left/);
  await remove('kinds');
  const tooMany = storage('ephemeral', 'hugetlbfs', 'hugetlbfs', `${SANDBOX}/ephemeral/h2`, {
    options: ['pagesize=2097152', 'size=68719476736'],
  });
  await assert.rejects(
    withStorages('greedy', [tooMany]),
    /32768 pages of 2097152 bytes are expected, the kernel found \d+/,
  );
});

test('of storages that fail half-way nothing is left', options, async () => {
  const good = storage('ephemeral', 'tmpfs', 'tmpfs', `${SHARED}/half/good`);
  const bad = storage('ephemeral', 'tmpfs', 'nosuchfs', `${SHARED}/half/bad`);
  await assert.rejects(withStorages('half', [good, bad]), /mount nosuchfs .* ENODEV/);
  await withStorages('eyes', [], {
    mounts: [{ destination: '/guest', source: '/run/kata-containers', type: 'bind', options: ['rbind', 'ro'] }],
  });
  assert.equal(await shell('eyes', 'ls /guest/shared/containers | grep half || echo none'), 'none\n');
  assert.doesNotMatch(await shell('eyes', 'cat /proc/mounts'), /half/);
  await remove('eyes');
});

test('a folder that the host shares is a root and a volume, and is left as it was', options, async (t) => {
  const virtiofsd = ['/usr/libexec/virtiofsd', '/usr/lib/qemu/virtiofsd'].find((file) => existsSync(file));
  assert.ok(virtiofsd, 'virtiofsd of qemu-system-common is expected');
  const folder = mkdtempSync(path.join(tmpdir(), 'kata-ts-share-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const share = path.join(folder, 'share');
  const rootfs = path.join(share, 'guest1/rootfs');
  for (const name of ['bin', 'proc', 'dev', 'sys']) mkdirSync(path.join(rootfs, name), { recursive: true });
  copyFileSync('/bin/busybox', path.join(rootfs, 'bin/busybox'));
  const socket = path.join(folder, 'socket');
  const daemon = spawn(virtiofsd, [`--socket-path=${socket}`, '-o', `source=${share}`, '-o', 'cache=auto']);
  t.after(() => daemon.kill('SIGKILL'));
  while (!existsSync(socket)) await new Promise((resolve) => setTimeout(resolve, 10));
  const devices = [
    ...['-object', 'memory-backend-memfd,id=mem,size=512M,share=on', '-numa', 'node,memdev=mem'],
    ...['-chardev', `socket,id=fs,path=${socket}`, '-device', 'vhost-user-fs-pci,chardev=fs,tag=kataShared'],
  ];
  const other = await AgentVm.boot({ devices });
  t.after(() => other.close());
  await other.agent.createSandbox({
    hostname: '',
    dns: [],
    storages: [storage('virtio-fs', 'kataShared', 'virtiofs', SHARED)],
    sandboxPidns: false,
    sandboxId: 'shared',
    guestHookPath: '',
    kernelModules: [],
  });
  const request = containerRequest('guest1', ['busybox', 'sh', '-c', 'echo from the guest > /written; busybox ls /']);
  request.storages = [];
  await other.agent.createContainer(request);
  await other.agent.startContainer({ containerId: 'guest1' });
  assert.match(await readAll(other, 'guest1'), /^bin\ndev\nproc\nsys\nwritten\n$/);
  await other.agent.removeContainer({ containerId: 'guest1', timeout: 0 });
  await other.agent.destroySandbox({});
  assert.equal(readFileSync(path.join(rootfs, 'written'), 'utf8'), 'from the guest\n');
  assert.ok(existsSync(path.join(rootfs, 'bin/busybox')));
});
