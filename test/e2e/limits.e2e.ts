// What a container is allowed: by its spec, and no further. All in one VM, beside a container that must not notice.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Containerd, footprint, IMAGE } from '../harness/containerd.ts';
import { busyboxRoot, DirectShim, makeBundle, type SpecEdit } from '../harness/direct-shim.ts';
import { leavesNothing } from '../harness/leaves-nothing.ts';
import { privateRun } from '../harness/private-run.ts';
import { testConfig } from '../harness/test-config.ts';

const LIMIT = { timeout: 120_000 };
const MIB = 2 ** 20;

describe('containers and their limits', () => {
  let folder: string;
  let root: string;
  let clean: ReturnType<typeof footprint>;
  let shim: DirectShim;
  let count = 0;

  before(async () => {
    privateRun();
    folder = fs.mkdtempSync(path.join(tmpdir(), 'kata-ts-limits-'));
    clean = footprint();
    root = await busyboxRoot(folder);
    shim = await DirectShim.start(makeBundle(folder, 'witness', root, ['sleep', '1000']));
    const configPath = testConfig(folder, { default_memory: '512', writable_layer_size_mib: '24' });
    await shim.create(shim.bundle, { configPath });
    await shim.task.start({ id: shim.id });
  }, LIMIT);
  after(async () => {
    await DirectShim.endAll();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  const sh = (script: string, edit?: SpecEdit) =>
    shim.run(makeBundle(folder, `limit-${++count}`, root, ['sh', '-c', script], edit));
  const witnessRuns = async () => assert.equal((await shim.task.state({ id: shim.id })).status, 2);
  /** A cgroup namespace of its own, so that /sys/fs/cgroup shows the container's group. */
  const ownGroup =
    (resources: object): SpecEdit =>
    (spec) => {
      spec.linux.namespaces.push({ type: 'cgroup' });
      spec.linux.resources = resources;
    };

  it('writes cpu, memory and pids limits into the guest, and no numbers of CPUs of the host', LIMIT, async () => {
    const { stdout, stderr } = await sh(
      'cd /sys/fs/cgroup; cat memory.max memory.low cpu.max cpu.weight pids.max cpuset.cpus',
      ownGroup({
        memory: { limit: 64 * MIB, reservation: 32 * MIB },
        cpu: { quota: 50_000, period: 100_000, shares: 2048, cpus: '0' },
        pids: { limit: 33 },
      }),
    );
    const lines = stdout.split('\n');
    assert.deepEqual(
      [lines[0], lines[1], lines[2], lines[4], lines[5]],
      [...[String(64 * MIB), String(32 * MIB), '50000 100000', '33', '']],
      stderr,
    );
    // Twice the shares that weigh 100, by the conversion of 2025 (runc 1.3.2, crun 1.23).
    assert.equal(lines[3], '174');
  });

  it('kills a container that takes more memory than it may, and no other', LIMIT, async () => {
    const { status } = await shim.run(
      makeBundle(folder, 'greedy', root, ['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=150M', 'count=1'], (spec) => {
        spec.linux.resources = { memory: { limit: 48 * MIB } };
      }),
    );
    assert.equal(status, 137);
    await witnessRuns();
  });

  it('bounds a fork bomb', LIMIT, async () => {
    const script =
      'trap "" TERM; b() { b | b & }; b 2>/dev/null; i=0; while [ $i -lt 40 ]; do sleep 20 & i=$((i+1)); done';
    const { stderr, status } = await sh(script, ownGroup({ pids: { limit: 16 } }));
    assert.match(stderr, /can't fork/);
    assert.notEqual(status, 0);
    await witnessRuns();
    assert.equal((await sh('echo well')).stdout, 'well\n');
  });

  it('says no space left when the writable layer is full, and the VM lives on', LIMIT, async () => {
    const { stdout, stderr } = await sh(
      'dd if=/dev/zero of=/big bs=1M count=60; stat -c %s /big; rm /big; echo more > /x && cat /x',
    );
    assert.match(stderr, /No space left on device/);
    const [size, more] = stdout.split('\n');
    assert.ok(Number(size) <= 24 * MIB && Number(size) > 20 * MIB, size);
    assert.equal(more, 'more');
    await witnessRuns();
  });

  it('gives a fresh writable layer to each container', LIMIT, async () => {
    await sh('echo secret > /left; echo changed > /etc/hostname');
    const { stdout } = await sh('ls /left 2>&1; cat /etc/hostname 2>&1');
    assert.doesNotMatch(stdout, /secret|changed/);
  });

  it('keeps a read-only root read-only, and masks what the spec masks', LIMIT, async () => {
    const script = 'touch /x; echo 1 > /proc/sys/kernel/panic; cat /proc/kcore | wc -c; ls /proc/acpi | wc -l; echo $?';
    const { stdout, stderr } = await sh(script, (spec) => {
      spec.root.readonly = true;
      spec.linux.maskedPaths = ['/proc/kcore', '/proc/acpi', '/not/there'];
      spec.linux.readonlyPaths = ['/proc/sys'];
    });
    assert.match(stderr, /\/x: Read-only file system/);
    assert.match(stderr, /\/proc\/sys\/kernel\/panic: Read-only file system/);
    assert.deepEqual(stdout.split('\n').slice(0, 2), ['0', '0']);
  });

  it('grants exactly the capabilities of the spec, in all five sets', LIMIT, async () => {
    const script =
      'grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status; chown 1 /tmp 2>&1; mount -t tmpfs x /mnt 2>&1; ls /proc/1/root';
    const { stdout } = await sh(script, (spec) => {
      spec.process.capabilities = {
        bounding: ['CAP_KILL', 'CAP_NET_RAW'],
        permitted: ['CAP_KILL', 'CAP_NET_RAW'],
        effective: ['CAP_KILL'],
        inheritable: ['CAP_NET_RAW'],
        ambient: ['CAP_NET_RAW'],
      };
      spec.process.user = { uid: 1000, gid: 1000, additionalGids: [7, 8], umask: 0o27 };
    });
    const field = (name: string) => new RegExp(`^${name}:\\s+(\\S+)`, 'm').exec(stdout)?.[1];
    // A process that is no root keeps across exec just its ambient set (capabilities(7)).
    assert.equal(Number.parseInt(field('CapBnd')!, 16), (1 << 5) | (1 << 13));
    assert.equal(Number.parseInt(field('CapInh')!, 16), 1 << 13);
    assert.equal(Number.parseInt(field('CapAmb')!, 16), 1 << 13);
    assert.equal(Number.parseInt(field('CapEff')!, 16), 1 << 13);
    assert.equal(field('NoNewPrivs'), '1');
    assert.match(stdout, /Operation not permitted|permission denied/i);
  });

  it('sets user, groups, umask, limits, sysctls, the host name and the OOM score', LIMIT, async () => {
    const script =
      'id -u; id -G; umask; ulimit -Sn; ulimit -Hn; cat /proc/sys/kernel/msgmax; hostname; cat /proc/self/oom_score_adj; pwd; echo $COLOUR';
    const { stdout, stderr } = await sh(script, (spec) => {
      spec.process.user = { uid: 1000, gid: 100, additionalGids: [7], umask: 0o27 };
      spec.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 123, hard: 456 }];
      spec.process.oomScoreAdj = 321;
      spec.process.cwd = '/tmp';
      spec.process.env.push('COLOUR=blue');
      spec.linux.sysctl = { 'kernel.msgmax': '12345' };
      spec.hostname = 'named';
    });
    assert.deepEqual(
      stdout.trimEnd().split('\n'),
      ['1000', '100 7', '0027', '123', '456', '12345', 'named', '321', '/tmp', 'blue'],
      stderr,
    );
  });

  it('lets no set-user-id program gain anything under no_new_privs, and lets it without', LIMIT, async () => {
    // A static program of the host that writes where it is told to; busybox gives up what it gained by itself.
    const program = '/sbin/ldconfig';
    const special = path.join(folder, 'suid-root');
    execFileSync('cp', ['-a', root, special]);
    fs.copyFileSync(program, path.join(special, 'bin/writer'));
    fs.chmodSync(path.join(special, 'bin/writer'), 0o4755);
    fs.mkdirSync(path.join(special, 'private'), { mode: 0o700 });
    const written = async (noNewPrivileges: boolean) => {
      const id = `suid-${noNewPrivileges}`;
      const script = 'writer -X -f /dev/null -C /private/written';
      const bundle = makeBundle(folder, id, special, ['sh', '-c', script], (spec) => {
        spec.process.user = { uid: 1000, gid: 1000 };
        spec.process.noNewPrivileges = noNewPrivileges;
      });
      return (await shim.run(bundle)).status === 0;
    };
    assert.equal(await written(true), false);
    assert.equal(await written(false), true);
  });

  it('refuses the system calls that a seccomp filter refuses, with its errno', LIMIT, async () => {
    const { stdout } = await sh(
      'grep Seccomp: /proc/self/status; unshare -m true 2>&1; mkdir /tmp/d 2>&1; echo still here',
      (spec) => {
        spec.process.capabilities.bounding.push('CAP_SYS_ADMIN');
        spec.process.capabilities.effective.push('CAP_SYS_ADMIN');
        spec.process.capabilities.permitted.push('CAP_SYS_ADMIN');
        spec.linux.seccomp = {
          defaultAction: 'SCMP_ACT_ALLOW',
          architectures: ['SCMP_ARCH_X86_64'],
          syscalls: [
            { names: ['unshare'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 },
            { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 },
          ],
        };
      },
    );
    assert.match(stdout, /Seccomp:\s+2/);
    assert.match(stdout, /unshare.*Operation not permitted/);
    assert.match(stdout, /mkdir.*No space left on device/);
    assert.match(stdout, /still here/);
  });

  it('changes the limits of a container that runs', LIMIT, async () => {
    const resources = { memory: { limit: 96 * MIB }, pids: { limit: 50 }, cpu: { quota: 20_000, period: 100_000 } };
    const value = Buffer.from(JSON.stringify(resources));
    await shim.task.update({ id: shim.id, resources: { typeUrl: '', value } });
    const metrics = await shim.task.stats({ id: shim.id });
    const text = Buffer.from(metrics.stats!.value).toString('latin1');
    assert.ok(text.length > 20);
    await witnessRuns();
  });

  it('leaves nothing', LIMIT, async () => {
    await shim.task.kill({ id: shim.id, signal: 9 });
    await shim.task.wait({ id: shim.id });
    await shim.task.delete({ id: shim.id });
    await shim.end();
    await leavesNothing(clean);
  });

  it(
    "tells containerd of a container that ran out of memory; containerd's own flags and filter hold in the guest",
    LIMIT,
    async () => {
      const containerd = await Containerd.start('1.6');
      try {
        const told = await containerd.events();
        const flags = ['--memory-limit', String(48 * MIB), '--cpus', '0.5', '--seccomp'];
        const script =
          'grep Seccomp: /proc/self/status; unshare -U true; exec dd if=/dev/zero of=/dev/null bs=150M count=1';
        const { status, stdout, stderr } = await containerd.run([...flags, '--rm', IMAGE, 'oom', 'sh', '-c', script]);
        assert.equal(status, 137, stderr);
        assert.match(stdout, /^Seccomp:\s+2/);
        assert.match(stderr, /unshare.*Operation not permitted/);
        const topics = (await told()).filter(({ event }) => event.container_id === 'oom').map(({ topic }) => topic);
        assert.ok(topics.includes('/tasks/oom'), topics.join());
        await leavesNothing(clean);
      } finally {
        await containerd.stop();
      }
    },
  );
});
