// Our agent in a real VM: what it does with the guest itself, and what it makes of peers that don't keep the protocol.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { cpio } from '../../setup/cpio.mjs';
import type { CopyFileRequest } from '../../src/protocols/gen/agent.ts';
import { IPFamily } from '../../src/protocols/gen/types.ts';
import { AgentVm } from '../harness/agent-vm.ts';
import { busyboxImage, containerRequest, exec } from '../harness/guest-container.ts';

const options = { timeout: 60_000 };
const SHARED = '/run/kata-containers/shared/containers';
const MAC = '02:00:00:00:00:17';
const S_IFREG = 0o100000;
const S_IFDIR = 0o040000;
const S_IFLNK = 0o120000;
let vm: AgentVm;

before(async () => {
  const nic = ['-netdev', 'user,id=net0,restrict=on', '-device', `virtio-net-pci,netdev=net0,mac=${MAC},romfile=`];
  const append = 'agent.log=debug agent.hotplug_timeout=2 agent.debug_console_vport=1026 agent.mystery=1 maxcpus=1';
  vm = await AgentVm.boot({ append, vcpus: '2', devices: nic });
  await vm.plugDisk(busyboxImage(vm.folder), 1);
  await vm.agent.createSandbox({
    hostname: 'pod',
    dns: ['nameserver 10.0.0.53'],
    storages: [],
    sandboxPidns: false,
    sandboxId: 'sandbox1',
    guestHookPath: '',
    kernelModules: [{ name: 'dummy', parameters: ['numdummies=2'] }],
  });
  const mounts = ['/proc', '/sys', '/run', '/dev'].map((source) => ({
    destination: `/guest${source}`,
    source,
    type: 'bind',
    options: ['rbind', 'ro'],
  }));
  await vm.agent.createContainer(containerRequest('eyes', ['sleep', '10000'], { mounts }));
  await vm.agent.startContainer({ containerId: 'eyes' });
});
after(async () => {
  await vm?.close();
});

let looks = 0;
/** What a command prints that sees the guest through a container. */
async function look(...args: string[]): Promise<string> {
  const { stdout, stderr } = await exec(vm, 'eyes', `look${looks++}`, args);
  assert.equal(stderr, '');
  return stdout;
}

function file(
  path: string,
  fileMode: number,
  data: string | Uint8Array,
  more: Partial<CopyFileRequest> = {},
): CopyFileRequest {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  const owner = { uid: 0, gid: 0, offset: 0n, dirMode: 0o755 };
  return { path: `${SHARED}/${path}`, fileMode, fileSize: BigInt(bytes.length), data: bytes, ...owner, ...more };
}

test('the interface gets name, addresses, MTU and routes, and they are told again', options, async () => {
  // A guest that is never asked for one loads no driver.
  const { Interfaces: before } = await vm.agent.listInterfaces({});
  assert.equal(
    before.find(({ hwAddr }) => hwAddr === MAC),
    undefined,
  );
  const wanted = {
    device: 'eth0',
    name: 'net7',
    IPAddresses: [
      { family: IPFamily.v4, address: '10.9.0.2', mask: '24' },
      { family: IPFamily.v6, address: 'fd00:9::2', mask: '64' },
    ],
    mtu: 1400n,
    hwAddr: MAC.toUpperCase(),
    devicePath: '',
    type: '',
    rawFlags: 0,
  };
  assert.equal((await vm.agent.updateInterface({ interface: wanted })).name, 'net7');
  const { Interfaces: now } = await vm.agent.listInterfaces({});
  const net7 = now.find(({ hwAddr }) => hwAddr === MAC);
  assert.equal(net7?.name, 'net7');
  assert.equal(net7?.mtu, 1400n);
  const addresses = net7?.IPAddresses.map(({ address, mask }) => `${address}/${mask}`);
  assert.ok(addresses?.includes('10.9.0.2/24') && addresses.includes('fd00:9::2/64'), String(addresses));

  const route = { device: 'net7', source: '', scope: 0, family: IPFamily.v4, flags: 0, mtu: 0 };
  const routes = [
    { ...route, dest: '', gateway: '10.9.0.1' },
    { ...route, dest: '10.10.0.0/16', gateway: '10.9.0.3' },
    { ...route, dest: '10.9.0.3', gateway: '', scope: 253 },
  ];
  const { Routes: told } = await vm.agent.updateRoutes({ routes: { Routes: routes } });
  const shown = told.map(({ dest, gateway, device }) => `${dest} ${gateway} ${device}`);
  for (const line of ['0.0.0.0/0 10.9.0.1 net7', '10.10.0.0/16 10.9.0.3 net7', '10.9.0.3/32  net7'])
    assert.ok(shown.includes(line), `${line} in ${shown.join(', ')}`);
  // A second set replaces the first, and leaves what the kernel made of the address.
  const { Routes: second } = await vm.agent.updateRoutes({ routes: { Routes: [routes[0]!] } });
  assert.deepEqual(
    second
      .filter(({ family }) => family === IPFamily.v4)
      .map(({ dest }) => dest)
      .sort(),
    ['0.0.0.0/0', '10.9.0.0/24'],
  );
  await vm.agent.addARPNeighbors({
    neighbors: {
      ARPNeighbors: [
        {
          toIPAddress: { family: IPFamily.v4, address: '10.9.0.1', mask: '' },
          device: 'net7',
          lladdr: '02:00:00:00:00:01',
          state: 128,
          flags: 0,
        },
      ],
    },
  });
  assert.match(await look('cat', '/guest/proc/net/arp'), /10\.9\.0\.1\s.*02:00:00:00:00:01.*net7/);
});

test('two interfaces swap names when the host wants it', options, async () => {
  const wish = { device: '', IPAddresses: [], mtu: 0n, devicePath: '', type: '', rawFlags: 0 };
  await vm.agent.updateInterface({ interface: { ...wish, name: 'dummy0', hwAddr: MAC } });
  const { Interfaces: now } = await vm.agent.listInterfaces({});
  assert.equal(now.find(({ hwAddr }) => hwAddr === MAC)?.name, 'dummy0');
  assert.deepEqual(now.map(({ name }) => name).sort(), ['dummy0', 'dummy1', 'lo', 'net7']);
  await assert.rejects(
    vm.agent.updateInterface({ interface: { ...wish, name: 'eth9', hwAddr: '02:11:11:11:11:11' } }),
    /no interface has the address 02:11:11:11:11:11/,
  );
});

test('the sandbox brings its kernel modules and its resolver configuration', options, async () => {
  assert.match(await look('cat', '/guest/proc/modules'), /^dummy /m);
  assert.match(await look('ls', '/guest/run/kata-containers/sandbox'), /resolv\.conf/);
});

test('a file comes in pieces and appears when it is whole', options, async () => {
  // The container that looks has no right to read what others may not.
  const whole = { fileSize: 8n, uid: 7, gid: 8 };
  await vm.agent.copyFile(file('in/pieces', S_IFREG | 0o604, 'abcd', whole));
  assert.doesNotMatch(await look('ls', `/guest${SHARED}/in`), /^pieces$/m);
  await vm.agent.copyFile(file('in/pieces', S_IFREG | 0o604, 'efgh', { ...whole, offset: 4n }));
  assert.equal(await look('cat', `/guest${SHARED}/in/pieces`), 'abcdefgh');
  assert.match(await look('ls', '-ln', `/guest${SHARED}/in/pieces`), /^-rw----r--\s+1 7\s+8\s+8 /);
  await vm.agent.copyFile(file('in/pieces', S_IFREG | 0o644, 'new'));
  assert.equal(await look('cat', `/guest${SHARED}/in/pieces`), 'new');
  await vm.agent.copyFile(file('in/folder', S_IFDIR | 0o1777, ''));
  await vm.agent.copyFile(file('in/folder/kept', S_IFREG | 0o644, 'kept'));
  await vm.agent.copyFile(file('in/folder', S_IFDIR | 0o1777, ''));
  assert.equal(await look('cat', `/guest${SHARED}/in/folder/kept`), 'kept');
  await vm.agent.copyFile(file('in/empty', S_IFREG | 0o644, ''));
  assert.equal(await look('cat', `/guest${SHARED}/in/empty`), '');
});

test('no path and no symlink of the host`s leads a copy out of the shared folder', options, async () => {
  for (const path of ['/etc/passwd', `${SHARED}/../../escaped`, `${SHARED}`, `${SHARED}x/y`, 'relative'])
    await assert.rejects(vm.agent.copyFile({ ...file('x', S_IFREG | 0o644, 'x'), path }), /a path below/, path);
  await vm.agent.copyFile(file('out', S_IFLNK | 0o777, '/run'));
  await vm.agent.copyFile(file('out/escaped', S_IFREG | 0o644, 'caught'));
  assert.doesNotMatch(await look('ls', '/guest/run'), /escaped/);
  assert.equal(await look('cat', `/guest${SHARED}/run/escaped`), 'caught', 'it means /run of the shared folder');
  await vm.agent.copyFile(file('leaf', S_IFLNK | 0o777, '/run/leafed'));
  await vm.agent.copyFile(file('leaf', S_IFREG | 0o644, 'replaced'));
  assert.equal(await look('cat', `/guest${SHARED}/leaf`), 'replaced');
  assert.doesNotMatch(await look('ls', '/guest/run'), /leafed/);
  await assert.rejects(
    vm.agent.copyFile({ ...file('big', S_IFREG | 0o644, 'too long'), fileSize: 3n }),
    /a piece of .* ends at 8, the file is to have 3 bytes/,
  );
});

test('clock, randomness and details of the guest', options, async () => {
  await vm.agent.setGuestDateTime({ Sec: 2_000_000_000n, Usec: 999_999n });
  const { stdout } = await exec(vm, 'eyes', 'date', ['busybox', 'date', '+%s']);
  assert.ok(Math.abs(Number(stdout) - 2_000_000_000) < 30, stdout);
  await assert.rejects(vm.agent.setGuestDateTime({ Sec: 1n, Usec: 1_000_000n }), /0 to 999999 microseconds/);
  await vm.agent.reseedRandomDev({ data: new Uint8Array(512).fill(7) });
  const { agentDetails, memBlockSizeBytes } = await vm.agent.getGuestDetails({
    memBlockSize: true,
    memHotplugProbe: true,
  });
  assert.equal(memBlockSizeBytes, 128n << 20n);
  assert.ok(agentDetails?.supportsSeccomp && agentDetails.deviceHandlers.includes('vfio-pci-gk'));
  const { grpcVersion } = await vm.health.version({ service: '' });
  assert.equal(grpcVersion, '0.0.1');
});

// Started with one of its two CPUs off: a kernel of 6.9 or newer takes no hot-plugged CPU under TCG, where it sees no
// hypervisor that it knows.
test('a CPU that is there and off is taken into use', options, async () => {
  assert.equal(await look('cat', '/guest/sys/devices/system/cpu/online'), '0\n');
  await vm.agent.onlineCPUMem({ wait: true, nbCpus: 1, cpuOnly: true });
  assert.equal(await look('cat', '/guest/sys/devices/system/cpu/online'), '0-1\n');
  await assert.rejects(
    vm.agent.onlineCPUMem({ wait: true, nbCpus: 1, cpuOnly: true }),
    /1 CPUs are expected to come, 0 came/,
  );
});

test('a memory file system grows, and tells how full it is', options, async () => {
  const path = '/run/kata-containers/sandbox/ephemeral/v1';
  const storage = {
    driver: 'ephemeral',
    driverOptions: [],
    source: 'tmpfs',
    fstype: 'tmpfs',
    options: ['size=1048576', 'fsgid=1234'],
    mountPoint: path,
    fsGroup: undefined,
    shared: false,
  };
  const mounts = [{ destination: '/v', source: path, type: 'bind', options: ['rbind'] }];
  const make = async (name: string) => {
    await vm.agent.createContainer(containerRequest(name, ['sleep', '1000'], { storages: [storage], mounts }));
    await vm.agent.startContainer({ containerId: name });
  };
  await make('vol1');
  assert.equal(
    (await exec(vm, 'vol1', 'w', ['sh', '-c', 'echo kept > /v/f; ls -ln / | grep " v$"'])).stdout.slice(0, 10),
    'drwxrwsrwt',
  );
  const bytes = async () => (await vm.agent.getVolumeStats({ volumeGuestPath: path })).usage[0]?.total;
  assert.equal(await bytes(), 1048576n);
  await vm.agent.updateEphemeralMounts({ storages: [{ ...storage, options: ['size=4194304'] }] });
  assert.equal(await bytes(), 4194304n);
  // An emptyDir outlives its container: Kubernetes makes a crashed container again.
  await vm.agent.removeContainer({ containerId: 'vol1', timeout: 0 });
  await make('vol2');
  assert.equal((await exec(vm, 'vol2', 'r', ['cat', '/v/f'])).stdout, 'kept\n');
  await vm.agent.removeContainer({ containerId: 'vol2', timeout: 0 });
});

test('what this guest cannot do says what is missing', options, async () => {
  const { agent } = vm;
  await assert.rejects(agent.setPolicy({ policy: 'package x' }), /no policy engine/);
  await assert.rejects(agent.getIPTables({ isIpv6: true }), /ip6tables-save is expected in/);
  await assert.rejects(
    agent.setIPTables({ isIpv6: false, data: Buffer.from('*nat') }),
    /iptables-restore is expected in/,
  );
  await assert.rejects(agent.resizeVolume({ volumeGuestPath: '/x', size: 1n }), /cannot be resized/);
  await assert.rejects(agent.memAgentMemcgSet({}), /no memory agent/);
  await assert.rejects(agent.addSwapPath({ path: '/no/such' }), /swap to \/no\/such: ENOENT/);
  await assert.rejects(agent.addSwap({ PCIPath: [31] }), /virtio-blk disk 1f is expected to appear within 2000 ms/);
  await assert.rejects(agent.memHotplugByProbe({ memHotplugProbeAddr: [1n] }), /probe is expected/);
  await assert.rejects(agent.getDiagnosticData({ logType: 'x', containerId: 'eyes' }), /termination_log is expected/);
  await assert.rejects(
    agent.removeContainer({ containerId: '../x', timeout: 0 }),
    /a container id is expected to match/,
  );
  const guestPull = containerRequest('pull', ['true']);
  guestPull.storages[0] = {
    ...guestPull.storages[0]!,
    driver: 'image_guest_pull',
    source: 'docker.io/library/busybox',
  };
  await assert.rejects(agent.createContainer(guestPull), /cannot pull the image docker.io\/library\/busybox by itself/);
  guestPull.storages[0] = { ...guestPull.storages[0]!, driver: '9p' };
  await assert.rejects(agent.createContainer(guestPull), /storage driver "9p" is not known \(use one of scsi, /);
});

test('warnings name what the command line asks for in vain, on the console', options, () => {
  assert.match(
    vm.console,
    /agent\.debug_console_vport has no effect: the debug console is opened over the agent channel/,
  );
  assert.match(vm.console, /agent\.mystery on the kernel command line is not known/);
});

test('garbage on the channel is answered or ends the session, and the next session is served', {
  timeout: 120_000,
}, async () => {
  const header = (length: number, stream: number, type: number) => {
    const bytes = Buffer.alloc(10);
    bytes.writeUInt32BE(length, 0);
    bytes.writeUInt32BE(stream, 4);
    bytes[8] = type;
    return bytes;
  };
  const nonsense = [
    Buffer.concat([header(5, 1, 1), Buffer.from('xxxxx')]),
    Buffer.concat([header(3, 2, 1), Buffer.from('abc')]),
    Buffer.concat([header(0, 1, 99)]),
    header(1 << 30, 1, 1),
    header(100, 1, 1),
    Buffer.alloc(10, 0xff),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.alloc(100_000, 0x41),
  ];
  for (const bytes of nonsense) {
    await vm.hangUp();
    await vm.sendRaw(bytes);
    await vm.connect();
    const { status } = await vm.health.check({ service: '' }, { timeoutMs: 10_000 });
    assert.equal(status, 1, bytes.subarray(0, 20).toString('hex'));
  }
  const unknown = vm.client.call('grpc.AgentService', 'NoSuchMethod', []);
  await assert.rejects(unknown, /NoSuchMethod/);
  assert.doesNotMatch(vm.console, /level=critical/);
});

test('hooks of the guest image run for every container, with its state', { timeout: 90_000 }, async (t) => {
  const folder = (name: string) => ({ name, mode: 0o40755 });
  const program = (name: string, text: string | Buffer, mode = 0o100755) => ({
    name,
    mode,
    content: Buffer.from(text),
  });
  const script = (text: string) => `#!/bin/busybox sh\n${text}\n`;
  const archive = cpio([
    ...['bin', 'hooks', 'hooks/prestart', 'hooks/poststart'].map(folder),
    program('bin/busybox', readFileSync('/bin/busybox')),
    program('hooks/prestart/10-state', script('/bin/busybox cat > /run/state; echo "$0 $1" > /run/arguments')),
    program('hooks/prestart/20-not-executable', script('echo never > /run/never'), 0o100644),
    program('hooks/poststart/10-late', script('echo late > /run/late')),
  ]);
  const other = await AgentVm.boot({ archive });
  t.after(() => other.close());
  await other.plugDisk(busyboxImage(other.folder), 1);
  const none = { hostname: '', dns: [], storages: [], sandboxPidns: false, kernelModules: [] };
  await other.agent.createSandbox({ ...none, sandboxId: 'hooked', guestHookPath: '/hooks' });
  const mounts = [{ destination: '/guest', source: '/run', type: 'bind', options: ['rbind', 'ro'] }];
  await other.agent.createContainer(containerRequest('hooked', ['sleep', '1000'], { mounts }));
  await other.agent.startContainer({ containerId: 'hooked' });
  const read = async (name: string) => (await exec(other, 'hooked', name, ['cat', `/guest/${name}`])).stdout;
  const state = JSON.parse(await read('state'));
  assert.equal(state.id, 'hooked');
  assert.equal(state.bundle, '/run/kata-containers/hooked');
  assert.equal(await read('arguments'), '/hooks/prestart/10-state prestart\n');
  assert.equal(await read('never'), '');
  assert.equal(await read('late'), 'late\n');
  assert.equal(JSON.parse(await read('kata-containers/hooked/config.json')).process.args[0], 'sleep');
});

test('a guest that nobody can reach says so and powers off', options, async () => {
  const lonely = AgentVm.start({ hasPort: false });
  try {
    await lonely.ended();
    assert.match(
      lonely.console,
      /the guest cannot start: neither a virtio-serial port .* nor a vsock device is in this VM/,
    );
    assert.doesNotMatch(lonely.console, /Kernel panic/);
  } finally {
    await lonely.close();
  }
});

test('ctrl-alt-del powers the guest off cleanly', options, async () => {
  const monitor = await vm.monitor();
  await monitor.execute('send-key', {
    keys: ['ctrl', 'alt', 'delete'].map((data) => ({ type: 'qcode', data })),
  });
  await vm.ended();
  assert.match(vm.console, /powering off.*ctrl-alt-del/);
  assert.doesNotMatch(vm.console, /Kernel panic/);
});
