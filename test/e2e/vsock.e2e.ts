// The agent on a real vsock: a VM without any serial port, and clients within the guest that want to be its host.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { HealthDefinition } from '../../src/protocols/gen/health.ts';
import { LinuxCapabilities } from '../../src/protocols/gen/oci.ts';
import { createClient, TtrpcClient } from '../../src/ttrpc/client.ts';
import { AgentVm } from '../harness/agent-vm.ts';
import { busyboxImage, containerRequest, readAll } from '../harness/guest-container.ts';
import { VsockDevice } from '../harness/vsock-device.ts';

const options = { timeout: 60_000 };
const AGENT_PORT = 1024;
/** The guest's address; a machine calls itself 1 (VMADDR_CID_LOCAL of vsock(7)). */
const CID = 42;
const CID_LOCAL = 1;
const MEMORY_MIB = 512;
const { modules = '' }: { modules?: string } = JSON.parse(process.env.KATA_TS_VSOCK ?? '{}');

let device: VsockDevice;
let vm: AgentVm;

before(async () => {
  device = await VsockDevice.start(CID);
  const devices = device.qemuArguments(MEMORY_MIB);
  vm = AgentVm.start({ append: 'agent.log=debug', hasPort: false, memoryMib: MEMORY_MIB, devices });
  await vm.said('channels=vsock:1024');
  vm.speakOver(await device.connect(AGENT_PORT));
});
after(async () => {
  await vm?.close();
  await device?.close();
});

test('a VM without a serial port is spoken to over vsock', options, async () => {
  assert.equal((await vm.health.check({ service: '' })).status, 1);
  assert.equal((await vm.health.version({ service: '' })).grpcVersion, '0.0.1');
  assert.ok((await vm.agent.getGuestDetails({ memBlockSize: true, memHotplugProbe: true })).agentDetails?.initDaemon);
});

test('two connections at once are answered, each by itself, and one survives the other', options, async () => {
  const second = new TtrpcClient(await device.connect(AGENT_PORT), 'the agent');
  const health = createClient(HealthDefinition, second);
  const answers = await Promise.all([health.check({ service: '' }), vm.health.check({ service: '' })]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [1, 1],
  );
  second.close();
  await second.closed;
  assert.equal((await vm.health.check({ service: '' })).status, 1);
});

test('a port where nobody listens is refused', options, async () => {
  await assert.rejects(device.connect(4711), { code: 'unavailable', message: /nobody .* listens on vsock port 4711/ });
});

test('a container runs over vsock, and 8 MB of its output are whole', options, async () => {
  await vm.plugDisk(busyboxImage(vm.folder, addVsockClient), 1);
  const sandbox = { hostname: 'pod', dns: [], storages: [], sandboxPidns: false, guestHookPath: '', kernelModules: [] };
  await vm.agent.createSandbox({ ...sandbox, sandboxId: 'sandbox1' });
  await vm.agent.createContainer(containerRequest('bulk', ['head', '-c', '8000000', '/dev/zero']));
  await vm.agent.startContainer({ containerId: 'bulk' });
  // vhost-device-vsock 0.3.0 loses a packet of which the guest's kernel makes several pieces, as Linux does above 32 KiB.
  assert.equal((await readAll(vm, 'bulk', 'bulk', 'readStdout', 30_000)).length, 8_000_000);
  assert.equal((await vm.agent.waitProcess({ containerId: 'bulk', execId: 'bulk' })).status, 0);
});

test('nobody within the guest is served, whichever address it takes', options, async () => {
  // Privileged and without a filter, in a guest with vsock's loopback, as upstream's has it.
  const calls = [CID_LOCAL, CID].map((cid) => `echo ${cid}: $(/usr/bin/perl /call.pl ${cid} ${AGENT_PORT})`);
  const request = containerRequest('rogue', ['sh', '-c', `busybox insmod /vsock_loopback.ko && ${calls.join(' && ')}`]);
  const names = ['CAP_SYS_MODULE'];
  const none = LinuxCapabilities.decode(new Uint8Array());
  request.OCI!.process!.capabilities = { ...none, bounding: names, permitted: names, effective: names };
  await vm.agent.createContainer(request);
  await vm.agent.startContainer({ containerId: 'rogue' });
  assert.equal(await readAll(vm, 'rogue', 'rogue', 'readStderr'), '');
  const said = await readAll(vm, 'rogue');
  // Connected, and hung up on before or after it spoke.
  assert.match(said, /^1: (?:answer of 0 bytes|read: .*)\n42: (?:answer of 0 bytes|read: .*)\n$/);
  assert.match(vm.console, /connection was refused.*the host, CID 2, is expected at the other end, found CID 1\b/);
  assert.equal((await vm.health.check({ service: '' })).status, 1);
});

/** A program that calls a vsock port with the frame of a ttrpc request and tells what comes back. */
function addVsockClient(root: string): void {
  const program = '/usr/bin/perl';
  const libraries = execFileSync('ldd', [program], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
  execFileSync('cp', ['--parents', '--dereference', program, ...libraries, root]);
  const script = `
my ($cid, $port) = @ARGV;
$SIG{PIPE} = 'IGNORE';
socket(my $s, 40, 1, 0) or die "socket: $!";
connect($s, pack('SSLLL', 40, 0, $port, $cid, 0)) or do { print "connect: $!\\n"; exit };
syswrite($s, pack('NNCC', 5, 1, 1, 0) . 'xxxxx');
my $count = sysread($s, my $answer, 4096);
print defined $count ? "answer of $count bytes\\n" : "read: $!\\n";
`;
  writeFileSync(path.join(root, 'call.pl'), script);
  const [release = ''] = readdirSync(modules);
  const module = path.join(modules, release, 'kernel/net/vmw_vsock/vsock_loopback.ko.xz');
  writeFileSync(path.join(root, 'vsock_loopback.ko'), execFileSync('xz', ['-dc', module]));
}
