// Our agent in a real VM, spoken to as our shim speaks to it: containers, their processes, their input and output.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AgentVm } from '../harness/agent-vm.ts';
import { busyboxImage, containerRequest, exec, imageOf, processOf, readAll } from '../harness/guest-container.ts';

const SIGKILL = 9;
const SIGTERM = 15;
const options = { timeout: 60_000 };
let vm: AgentVm;

before(async () => {
  vm = await AgentVm.boot({ append: 'agent.log=debug', memoryMib: 512 });
  await vm.plugDisk(busyboxImage(vm.folder), 1);
  await vm.agent.createSandbox({
    hostname: 'pod',
    dns: ['nameserver 10.0.0.53', 'search example.org'],
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

const id = (containerId: string, execId = containerId) => ({ containerId, execId });

/** Makes and starts a container. */
async function run(name: string, args: string[], wishes = {}): Promise<number> {
  const { pid } = await vm.agent.createContainer(containerRequest(name, args, wishes));
  await vm.agent.startContainer({ containerId: name });
  return pid;
}

/** Removes a container, and checks that nothing of it is left. */
async function remove(name: string): Promise<void> {
  await vm.agent.removeContainer({ containerId: name, timeout: 0 });
  await assert.rejects(vm.agent.waitProcess(id(name)), /no container/);
}

test('a container says its word on both outputs and its status', options, async () => {
  const pid = await run('both', ['sh', '-c', 'echo out; echo err >&2; exit 3']);
  assert.ok(pid > 1);
  assert.equal(await readAll(vm, 'both'), 'out\n');
  assert.equal(await readAll(vm, 'both', 'both', 'readStderr'), 'err\n');
  assert.equal((await vm.agent.waitProcess(id('both'))).status, 3);
  assert.equal((await vm.agent.waitProcess(id('both', ''))).status, 3, 'a second wait, by the other name, is answered');
  await remove('both');
});

test('a container may be called like a folder of the agent', options, async () => {
  await run('other', ['sleep', '1000']);
  await run('shared', ['echo', 'fine']);
  assert.equal(await readAll(vm, 'shared'), 'fine\n');
  await remove('shared');
  assert.equal((await exec(vm, 'other', 'e', ['echo', 'fine'])).stdout, 'fine\n');
  await remove('other');
});

test('a second container shares the disk of the first, and their roots are apart', options, async () => {
  await run('one', ['sleep', '1000']);
  await run('two', ['sleep', '1000']);
  await exec(vm, 'one', 'w', ['touch', '/mark']);
  assert.equal((await exec(vm, 'one', 'r', ['ls', '/mark'])).status, 0);
  assert.equal((await exec(vm, 'two', 'r', ['ls', '/mark'])).status, 1);
  await remove('one');
  assert.equal((await exec(vm, 'two', 'r2', ['ls', '/bin/ls'])).status, 0);
  await remove('two');
});

test('the sandbox names the machine, and a container sees only its own processes', options, async () => {
  await run('names', ['sleep', '1000']);
  assert.equal((await exec(vm, 'names', 'h', ['hostname'])).stdout, 'pod\n');
  const { stdout } = await exec(vm, 'names', 'p', ['ps', '-o', 'pid,comm']);
  assert.match(stdout, /^\s+1 sleep$/m);
  assert.equal(stdout.trim().split('\n').length, 3);
  await remove('names');
});

test('what goes in by WriteStdin comes out, until stdin is closed', options, async () => {
  await run('cat', ['cat']);
  const large = Buffer.alloc(3 << 20, 'kata');
  const echoed = readAll(vm, 'cat');
  for (let offset = 0; offset < large.length; offset += 1 << 20)
    assert.equal(
      (await vm.agent.writeStdin({ ...id('cat'), data: large.subarray(offset, offset + (1 << 20)) })).len,
      1 << 20,
    );
  await vm.agent.closeStdin(id('cat'));
  assert.equal(await echoed, large.toString());
  assert.equal((await vm.agent.waitProcess(id('cat'))).status, 0);
  await assert.rejects(vm.agent.writeStdin({ ...id('cat'), data: Buffer.from('x') }), /input of process \d+ is closed/);
  await remove('cat');
});

test('an empty write ends the input, as upstream`s shim in Rust does it', options, async () => {
  await run('empty', ['cat']);
  await vm.agent.writeStdin({ ...id('empty'), data: Buffer.from('last words') });
  await vm.agent.writeStdin({ ...id('empty'), data: new Uint8Array() });
  assert.equal(await readAll(vm, 'empty'), 'last words');
  await remove('empty');
});

test('a terminal has the size it was given, and echoes', options, async () => {
  await run('tty', ['sh'], { terminal: true });
  await vm.agent.ttyWinResize({ ...id('tty'), row: 40, column: 120 });
  await vm.agent.writeStdin({ ...id('tty'), data: Buffer.from('stty size; exit 7\n') });
  assert.match(await readAll(vm, 'tty'), /stty size.*\r\n40 120\r\n/s);
  assert.equal((await vm.agent.waitProcess(id('tty'))).status, 7);
  await remove('tty');
  await run('notty', ['sleep', '1000']);
  await assert.rejects(vm.agent.ttyWinResize({ ...id('notty'), row: 1, column: 1 }), /terminal/);
  await remove('notty');
});

test('SIGTERM ends a first process that does not handle it, SIGKILL without exec id ends all', options, async () => {
  await run('term', ['sleep', '1000']);
  await vm.agent.signalProcess({ ...id('term'), signal: SIGTERM });
  assert.equal((await vm.agent.waitProcess(id('term'))).status, 128 + SIGKILL);
  await remove('term');

  await run('trap', ['sh', '-c', 'trap "exit 5" TERM; echo ready; while :; do sleep 0.1; done']);
  assert.match(Buffer.from((await vm.agent.readStdout({ ...id('trap'), len: 100 })).data).toString(), /ready/);
  await vm.agent.signalProcess({ ...id('trap'), signal: SIGTERM });
  assert.equal((await vm.agent.waitProcess(id('trap'))).status, 5);
  await remove('trap');

  await run('all', ['sleep', '1000']);
  const { agent } = vm;
  const ports = { stringUser: undefined, stdinPort: 0, stdoutPort: 0, stderrPort: 0 };
  await agent.execProcess({ ...id('all', 'e1'), process: processOf(['sleep', '1000']), ...ports });
  await agent.signalProcess({ ...id('all', ''), signal: SIGKILL });
  assert.equal((await agent.waitProcess(id('all'))).status, 137);
  assert.equal((await agent.waitProcess(id('all', 'e1'))).status, 137);
  await agent.signalProcess({ ...id('all', ''), signal: SIGKILL });
  await remove('all');
});

test('the guest`s pids are told, with the names of those that the host started', options, async () => {
  const pid = await run('pids', ['sh', '-c', 'sleep 1000 & sleep 1000']);
  const ports = { stringUser: undefined, stdinPort: 0, stdoutPort: 0, stderrPort: 0 };
  const started = await vm.agent.execProcess({ ...id('pids', 'e'), process: processOf(['sleep', '1000']), ...ports });
  const list = async () => (await vm.extension.listProcesses({ containerId: 'pids' })).processes;
  let processes = await list();
  // The shell takes its time to start one of its two and become the other.
  while (processes.length < 3) processes = await list();
  assert.equal(processes.find((process) => process.pid === pid)?.execId, 'pids');
  assert.equal(processes.find((process) => process.pid === started.pid)?.execId, 'e');
  assert.equal(processes.filter((process) => process.execId === '').length, 1);
  await remove('pids');
});

test('a worker that keeps the output open does not keep the exec from ending', options, async () => {
  await run('host', ['sleep', '1000']);
  const before = performance.now();
  const { stdout, status } = await exec(vm, 'host', 'leaver', ['sh', '-c', 'sleep 1000 & echo bye']);
  assert.deepEqual({ stdout, status }, { stdout: 'bye\n', status: 0 });
  assert.ok(performance.now() - before < 5000);
  await remove('host');
});

test('a program that is not there is named, and the name can be used again', options, async () => {
  await run('exec', ['sleep', '1000']);
  await assert.rejects(exec(vm, 'exec', 'x', ['/no/such']), /\/no\/such/);
  assert.equal((await exec(vm, 'exec', 'x', ['true'])).status, 0);
  await assert.rejects(exec(vm, 'exec', 'x', ['true']), /already has a process x/);
  await remove('exec');
  await vm.agent.createContainer(containerRequest('absent', ['/no/such']));
  await assert.rejects(vm.agent.startContainer({ containerId: 'absent' }), /\/no\/such/);
  await remove('absent');
});

test('a container whose root never came is refused by name, and removing it is fine', options, async () => {
  const request = containerRequest('rootless', ['true']);
  request.storages = [];
  await assert.rejects(vm.agent.createContainer(request), /rootless is expected to have its root at/);
  await vm.agent.removeContainer({ containerId: 'rootless', timeout: 0 });
  await vm.agent.removeContainer({ containerId: 'neverwas', timeout: 0 });
});

test('a disk that nobody plugged in is named after the time for it', options, async () => {
  const before = performance.now();
  await assert.rejects(
    vm.agent.createContainer(containerRequest('diskless', ['true'], { lun: 9 })),
    /SCSI disk 0:9.*3000 ms/,
  );
  assert.ok(performance.now() - before < 6000);
  assert.equal(await run('after', ['true']).then(() => 'fine'), 'fine', 'nothing is left that is in the way');
  await remove('after');
});

test('a container is frozen and thawed, and its use is told', options, async () => {
  await run('stats', ['sh', '-c', 'while :; do :; done'], { memoryBytes: 64 << 20 });
  await vm.agent.pauseContainer({ containerId: 'stats' });
  const used = async () => (await vm.agent.statsContainer({ containerId: 'stats' })).cgroupStats;
  const first = await used();
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal((await used())?.cpuStats?.cpuUsage?.totalUsage, first?.cpuStats?.cpuUsage?.totalUsage);
  assert.equal(first?.memoryStats?.usage?.limit, BigInt(64 << 20));
  await vm.agent.resumeContainer({ containerId: 'stats' });
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.notEqual((await used())?.cpuStats?.cpuUsage?.totalUsage, first?.cpuStats?.cpuUsage?.totalUsage);
  await remove('stats');
});

test('a container that runs out of memory is told of', options, async () => {
  const event = vm.agent.getOOMEvent({});
  await run('oom', ['sh', '-c', 'tail /dev/zero'], { memoryBytes: 16 << 20 });
  assert.equal((await event).containerId, 'oom');
  assert.equal((await vm.agent.waitProcess(id('oom'))).status, 137);
  await remove('oom');
});

test(
  'a root of several EROFS layers, as upstream`s runtime hands it over, is one, and goes whole',
  options,
  async () => {
    await vm.plugDisk(imageOf(vm.folder, 'upper-layer', { 'etc/motd': 'upper\n', 'etc/new': 'new\n' }), 2);
    await vm.plugDisk(imageOf(vm.folder, 'lower-layer', { 'etc/motd': 'lower\n', 'etc/old': 'old\n' }), 3);
    const request = containerRequest('layers', ['sleep', '1000']);
    const layer = (lun: number) => ({
      ...request.storages[0]!,
      source: `0:${lun}`,
      options: ['ro', 'X-kata.overlay-lower', 'X-kata.multi-layer=true', 'X-kata.mkdir.path={{ mount 0 }}/upper'],
      mountPoint: request.OCI?.root?.path ?? '',
    });
    request.storages = [layer(2), layer(3), layer(1)];
    await vm.agent.createContainer(request);
    await vm.agent.startContainer({ containerId: 'layers' });
    const command = ['sh', '-c', 'cat /etc/motd /etc/new /etc/old; echo written > /etc/w; cat /etc/w'];
    assert.equal((await exec(vm, 'layers', 'c', command)).stdout, 'upper\nnew\nold\nwritten\n');
    await remove('layers');
    await run('afterwards', ['true']);
    await remove('afterwards');
  },
);

test('containers that share the pod`s pid namespace see each other', options, async () => {
  await run('infra', ['sleep', '4321']);
  await run('peer', ['sleep', '1000'], { sandboxPidns: true });
  assert.match((await exec(vm, 'peer', 'p', ['ps', '-o', 'args'])).stdout, /sleep 4321/);
  await remove('peer');
  assert.match((await exec(vm, 'infra', 'p', ['ps', '-o', 'args'])).stdout, /sleep 4321/);
  await remove('infra');
});

test('the host hangs up in the middle of a read, and the next one finds everything', options, async () => {
  await run('hangup', ['sh', '-c', 'read word; echo still $word; sleep 1000']);
  const lost = Promise.allSettled([vm.agent.readStdout({ ...id('hangup'), len: 100 }), vm.agent.getOOMEvent({})]);
  await vm.hangUp();
  await lost;
  await vm.connect();
  await vm.agent.writeStdin({ ...id('hangup'), data: Buffer.from('here\n') });
  const { data } = await vm.agent.readStdout({ ...id('hangup'), len: 100 });
  assert.equal(Buffer.from(data).toString(), 'still here\n');
  await remove('hangup');
});

test('fifty containers leave nothing: no mount, no process, no descriptor, no cgroup', {
  timeout: 120_000,
}, async () => {
  const mounts = [
    { destination: '/guest/proc', source: '/proc', type: 'bind', options: ['rbind', 'ro'] },
    { destination: '/guest/cgroup', source: '/sys/fs/cgroup', type: 'bind', options: ['rbind', 'ro'] },
  ];
  const count = 'ls -d /guest/proc/[0-9]* | wc -l; ls /guest/proc/1/fd | wc -l; wc -l < /guest/proc/1/mountinfo; ';
  /** Processes, descriptors and mounts of init, cgroups of the guest, seen by a container that is there for this alone. */
  const census = async (): Promise<number[]> => {
    await run('census', ['sleep', '1000'], { mounts });
    const { stdout } = await exec(vm, 'census', 'c', ['sh', '-c', `${count} ls -d /guest/cgroup/*/ | wc -l`]);
    await remove('census');
    return stdout.trim().split('\n').map(Number);
  };
  await census();
  const before = await census();
  for (let i = 0; i < 50; i++) {
    await run(`many${i}`, ['true']);
    await vm.agent.waitProcess(id(`many${i}`));
    await remove(`many${i}`);
  }
  const afterwards = await census();
  assert.equal(before.length, 4);
  // Threads of the kernel come and go.
  assert.ok(Math.abs(afterwards[0]! - before[0]!) <= 4, `processes: ${before[0]} before, ${afterwards[0]} after`);
  assert.deepEqual(afterwards.slice(1), before.slice(1));
});

test('the sandbox goes with a container still in it, and another can be made', options, async () => {
  await run('last', ['sleep', '1000']);
  const late = assert.rejects(vm.agent.createContainer(containerRequest('late', ['sleep', '1000'])));
  await vm.agent.destroySandbox({});
  await late;
  await vm.agent.destroySandbox({});
  await assert.rejects(vm.agent.waitProcess(id('last')), /no container/);
  await assert.rejects(vm.agent.createContainer(containerRequest('early', ['true'])), /a sandbox is expected/);
  const none = { dns: [], storages: [], sandboxPidns: false, guestHookPath: '', kernelModules: [] };
  await vm.agent.createSandbox({ ...none, hostname: 'again', sandboxId: 'sandbox2' });
  await run('again', ['hostname']);
  assert.equal(await readAll(vm, 'again'), 'again\n');
  assert.doesNotMatch(vm.console, /level=(?:error|critical)/);
});
