// node bench/run.mjs cycles [COUNT]: containers come and go, and what they leave is counted. Exits with 1 if anything is left.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isolated } from '../setup/isolation.mjs';
import { Containerd, footprint, IMAGE, processes, sleep } from '../test/harness/containerd.ts';
import { busyboxRoot, DirectShim, makeBundle } from '../test/harness/direct-shim.ts';
import { privateRun } from '../test/harness/private-run.ts';
import { testConfig } from '../test/harness/test-config.ts';

type Counts = Record<string, number>;

const cycles = Number(process.argv[2] ?? 50);
const CACHE = '/var/lib/kata-containers/rootfs';

const descriptorsOf = (pid: number): number => fs.readdirSync(`/proc/${pid}/fd`).length;
const residentKib = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
const count = (command: string): number => Number(execFileSync('sh', ['-c', command]).toString());

/** What the whole host has of each kind. */
function onHost(): Counts {
  const found = footprint();
  return {
    processes: found.processes?.length ?? 0,
    mounts: count('wc -l < /proc/self/mountinfo'),
    'sockets of shims': found.sockets?.length ?? 0,
    'folders of sandboxes': found.sandboxes?.length ?? 0,
    cgroups: count('find /sys/fs/cgroup -type d | wc -l'),
    'half-made images': fs.existsSync(CACHE) ? fs.readdirSync(CACHE).filter((name) => name.endsWith('.tmp')).length : 0,
    'network interfaces': fs.readdirSync('/sys/class/net').length,
    'shared memory files': fs.readdirSync('/dev/shm').length,
  };
}

function compare(what: string, before: Counts, after: Counts): boolean {
  console.log(`\n${what}, before and after ${cycles} cycles:`);
  let same = true;
  for (const [name, first] of Object.entries(before)) {
    const last = after[name]!;
    if (last > first) same = false;
    console.log(`  ${last > first ? '✖' : ' '} ${name}: ${first} → ${last}`);
  }
  return same;
}

/** A VM for each container, made and ended by containerd. */
async function withVms(): Promise<boolean> {
  const containerd = await Containerd.start('1.6');
  try {
    const one = (id: string) => containerd.run(['--rm', IMAGE, id, 'true'], { timeoutMs: 60_000 });
    await one('cycle-first');
    const [daemon = 0] = processes(new RegExp(`containerd --config ${containerd.folder}`));
    const look = () => ({ ...onHost(), "containerd's descriptors": descriptorsOf(daemon), snapshots: 0 });
    await sleep(2000);
    const before = look();
    before.snapshots = (await containerd.ok(['snapshots', 'ls'])).trim().split('\n').length;
    const start = performance.now();
    for (let cycle = 0; cycle < cycles; cycle++) {
      const { status, stderr } = await one(`cycle-${cycle}`);
      if (status !== 0) throw new Error(`cycle ${cycle} ended with ${status}: ${stderr}`);
    }
    console.log(
      `${cycles} VMs with a container each: ${((performance.now() - start) / cycles / 1000).toFixed(2)} s each`,
    );
    await sleep(2000);
    const after = look();
    after.snapshots = (await containerd.ok(['snapshots', 'ls'])).trim().split('\n').length;
    return compare('The host', before, after);
  } finally {
    await containerd.stop();
  }
}

/** Containers that come and go in one VM that stays. */
async function inOneVm(): Promise<boolean> {
  const folder = fs.mkdtempSync(path.join(tmpdir(), 'kata-ts-cycles-'));
  try {
    const root = await busyboxRoot(folder);
    const id = `cycles-${process.pid}`;
    const shim = await DirectShim.start(makeBundle(folder, id, root, ['sleep', '100000']));
    await shim.create(shim.bundle, { configPath: testConfig(folder, { default_memory: '256' }) });
    await shim.task.start({ id });
    const [vmm = 0] = processes(new RegExp(`qemu-system.*-name sandbox-${id}\\b`));
    const probe = (name: string) =>
      shim.run(makeBundle(folder, name, root, ['sh', '-c', 'grep -c . /proc/mounts; ls /sys/block | grep -c sd']));
    const one = async (name: string) => {
      const { stdout } = await probe(name);
      fs.rmSync(path.join(folder, name), { recursive: true });
      return stdout.trim().split('\n').map(Number);
    };
    for (let warm = 0; warm < 5; warm++) await one(`warm-${warm}`);
    const look = async (name: string) => {
      const [mounts = 0, disks = 0] = await one(name);
      return {
        ...onHost(),
        "the shim's descriptors": descriptorsOf(shim.pid),
        "the VMM's descriptors": descriptorsOf(vmm),
        "mounts in a container's view": mounts,
        'disks of the guest': disks,
      };
    };
    const before = await look('look-before');
    const firstKib = residentKib(shim.pid);
    const start = performance.now();
    for (let cycle = 0; cycle < cycles; cycle++) await one(`inner-${cycle}`);
    console.log(`\n${cycles} containers in one VM: ${((performance.now() - start) / cycles).toFixed(0)} ms each`);
    const same = compare('The host and one VM', before, await look('look-after'));
    console.log(`    resident memory of the shim: ${firstKib} KiB → ${residentKib(shim.pid)} KiB`);
    await shim.task.kill({ id, signal: 9 });
    await shim.task.wait({ id });
    await shim.task.delete({ id });
    await shim.end();
    return same;
  } finally {
    await DirectShim.endAll();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** In namespaces of its own for processes and mounts: what others do on this machine meanwhile is not counted. */
if (process.env.KATA_TS_CYCLES === undefined) {
  const [program = '', ...args] = isolated([process.execPath, ...process.argv.slice(1)], 'shared');
  const env = { ...process.env, KATA_TS_CYCLES: '1' };
  process.exitCode = spawnSync(program, args, { stdio: 'inherit', env }).status ?? 1;
} else {
  privateRun();
  // Others make images as well; these are of a cache that nobody else sees.
  fs.mkdirSync(CACHE, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256m', 'kata-ts-cycles', CACHE]);
  const same = [await withVms(), await inOneVm()].every(Boolean);
  console.log(same ? '\nNothing is left.' : '\nSomething is left.');
  process.exitCode = same ? 0 : 1;
}
