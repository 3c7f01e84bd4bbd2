// Parts that die: the shim, QEMU, the guest's kernel, containerd. What ran is told of, and nothing is left.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Containerd, footprint, IMAGE, processes, shimOf, sleep } from '../harness/containerd.ts';
import { busyboxRoot, DirectShim, makeBundle } from '../harness/direct-shim.ts';
import { leavesNothing } from '../harness/leaves-nothing.ts';
import { privateRun } from '../harness/private-run.ts';
import { testConfig } from '../harness/test-config.ts';

const LIMIT = { timeout: 120_000 };

describe('what dies under containerd 1.6', () => {
  let folder: string;
  let containerd: Containerd;
  let clean: ReturnType<typeof footprint>;
  const qemuOf = (id: string) => processes(new RegExp(`qemu-system.*-name sandbox-${id}\\b`))[0];

  before(async () => {
    privateRun();
    folder = fs.mkdtempSync(path.join(tmpdir(), 'kata-ts-deaths-'));
    clean = footprint();
    // A guest that boots is there for long enough to be killed at this or that moment.
    containerd = await Containerd.start('1.6', {
      env: { KATA_CONF_FILE: testConfig(folder, { enable_template: 'false' }) },
    });
  }, LIMIT);
  after(async () => {
    await containerd.stop();
    await DirectShim.endAll();
    fs.rmSync(folder, { recursive: true, force: true });
  }, LIMIT);

  it("tells of every process when the guest's kernel panics, within two seconds", LIMIT, async () => {
    await containerd.sleeper('panics', '--privileged');
    const told = await containerd.events();
    const start = performance.now();
    const exec = containerd.ctr([
      'task',
      'exec',
      '--exec-id',
      'sysrq',
      'panics',
      'sh',
      '-c',
      'echo c > /proc/sysrq-trigger',
    ]);
    await containerd.waitFor('panics', (state) => state === 'STOPPED');
    const tookMs = performance.now() - start;
    assert.equal((await exec).status, 137);
    assert.ok(tookMs < 3000, `it took ${tookMs} ms`);
    const exits = (await told()).filter(({ topic }) => topic === '/tasks/exit');
    assert.deepEqual(exits.map(({ event }) => [event.id, event.exit_status]).sort(), [
      ['panics', 137],
      ['sysrq', 137],
    ]);
    assert.match(containerd.log, /sysrq|Kernel panic|sandbox panics ended/);
    await containerd.end('panics');
    await leavesNothing(clean);
  });

  /** Starts a container and calls back so long after its VMM was started, before the container is there. */
  async function whileStarting(id: string, delayMs: number, then: (qemu: number) => void) {
    const running = containerd.run(['-d', IMAGE, id, 'sleep', '1000']);
    for (let waitedMs = 0; qemuOf(id) === undefined; waitedMs += 10) {
      assert.ok(waitedMs < 10_000);
      await sleep(10);
    }
    await sleep(delayMs);
    then(qemuOf(id)!);
    return running;
  }

  for (const delayMs of [0, 300, 900]) {
    const when = `${delayMs} ms after its VM was started`;

    it(`leaves nothing when QEMU is killed ${when}, and says so`, LIMIT, async () => {
      const id = `qemu-killed-${delayMs}`;
      const { status, stderr } = await whileStarting(id, delayMs, (qemu) => process.kill(qemu, 'SIGKILL'));
      assert.notEqual(status, 0);
      assert.match(stderr, /QEMU was ended by signal 9|the guest's agent|QEMU is expected to/);
      await containerd.ctr(['container', 'rm', id]);
      await leavesNothing(clean);
    });

    it(`leaves nothing when the shim is killed ${when}`, LIMIT, async () => {
      const id = `shim-killed-${delayMs}`;
      const { status } = await whileStarting(id, delayMs, () => process.kill(shimOf(id), 'SIGKILL'));
      assert.notEqual(status, 0);
      await containerd.ctr(['container', 'rm', id]);
      await leavesNothing(clean);
      assert.ok(!fs.existsSync(containerd.bundle(id)));
    });

    it(`ends the VM and itself when the shim is told to end ${when}`, LIMIT, async () => {
      const id = `shim-ended-${delayMs}`;
      const { status } = await whileStarting(id, delayMs, () => process.kill(shimOf(id), 'SIGTERM'));
      assert.notEqual(status, 0);
      await containerd.ctr(['container', 'rm', id]);
      await leavesNothing(clean);
    });
  }

  it('leaves nothing when whoever asked for a container is gone before it is made', LIMIT, async () => {
    const child = spawn(
      containerd.client,
      [
        '--address',
        containerd.address,
        'run',
        '--runtime',
        'io.containerd.kata.v2',
        IMAGE,
        'given-up',
        'sleep',
        '1000',
      ],
      { stdio: 'ignore' },
    );
    for (let waitedMs = 0; qemuOf('given-up') === undefined; waitedMs += 10) {
      assert.ok(waitedMs < 10_000);
      await sleep(10);
    }
    child.kill('SIGKILL');
    await once(child, 'close');
    for (
      let waitedMs = 0;
      processes(/containerd-shim-kata-v2.*given-up/).length > 0 && waitedMs < 20_000;
      waitedMs += 100
    ) {
      await containerd.ctr(['task', 'rm', '-f', 'given-up']);
      await sleep(100);
    }
    await containerd.ctr(['container', 'rm', 'given-up']);
    await leavesNothing(clean);
  });

  it('finds a container again after containerd restarts, its output flowing on', LIMIT, async () => {
    const script = 'i=0; while :; do echo line $i; i=$((i+1)); sleep 0.1; done';
    const output = path.join(folder, 'lines');
    const { status, stderr } = await containerd.run([
      '-d',
      '--log-uri',
      `file://${output}`,
      IMAGE,
      'survives',
      'sh',
      '-c',
      script,
    ]);
    assert.equal(status, 0, stderr);
    const shim = shimOf('survives');
    await containerd.restart();
    assert.equal(await containerd.state('survives'), 'RUNNING');
    assert.equal(shimOf('survives'), shim);
    const before = fs.statSync(output).size;
    await sleep(1500);
    assert.ok(fs.statSync(output).size > before, 'no further output');
    const lines = fs.readFileSync(output, 'utf8').trimEnd().split('\n');
    for (const [index, line] of lines.entries()) assert.equal(line, `line ${index}`);
    assert.equal(
      (await containerd.ctr(['task', 'exec', '--exec-id', 'again', 'survives', 'echo', 'here'])).stdout,
      'here\n',
    );
    const told = await containerd.events();
    await containerd.end('survives');
    assert.deepEqual(
      (await told()).filter(({ event }) => event.container_id === 'survives').map(({ topic }) => topic),
      ['/tasks/exit', '/tasks/delete'],
    );
    await leavesNothing(clean);
  });

  it('tells a containerd that comes back of what ended meanwhile', LIMIT, async () => {
    await containerd.run(['-d', IMAGE, 'ends-alone', 'sh', '-c', 'sleep 3; exit 9']);
    await containerd.restart(4000);
    assert.equal(await containerd.state('ends-alone'), 'STOPPED');
    const { stdout } = await containerd.ctr(['task', 'rm', 'ends-alone']);
    assert.equal(stdout, '');
    await containerd.end('ends-alone');
    await leavesNothing(clean);
  });

  it('ends a VM whose guest hangs when its container is to be killed', LIMIT, async () => {
    await containerd.sleeper('hung-guest');
    process.kill(qemuOf('hung-guest')!, 'SIGSTOP');
    const killed = await containerd.ctr(['task', 'kill', '-s', 'SIGKILL', 'hung-guest']);
    assert.equal(killed.status, 0, killed.stderr);
    await containerd.waitFor('hung-guest', (state) => state === 'STOPPED');
    await containerd.end('hung-guest');
    await leavesNothing(clean);
  });

  it('deletes what a shim left that hangs, the shim as well', LIMIT, async () => {
    const root = await busyboxRoot(folder);
    const shim = await DirectShim.start(makeBundle(folder, 'hangs', root, ['sleep', '1000']));
    await shim.create(shim.bundle, { configPath: testConfig(folder, { default_memory: '256' }) });
    process.kill(shim.pid, 'SIGSTOP');
    assert.equal((await DirectShim.delete(shim.bundle)).status, 0);
    await shim.gone();
    await leavesNothing(clean);
    // A second one has nothing to do, which is fine.
    assert.equal((await DirectShim.delete(shim.bundle)).status, 0);
  });

  it(
    'lets a shim that made nothing go when its caller is done with it, and one whose caller gave up',
    LIMIT,
    async () => {
      const root = path.join(folder, 'rootfs');
      const idle = await DirectShim.start(makeBundle(folder, 'idle', root, ['true']));
      await idle.end(2000);
      const given = await DirectShim.start(makeBundle(folder, 'given', root, ['true']));
      // A clone would be there too soon.
      const keys = { default_memory: '256', enable_template: 'false' };
      const creating = given.create(given.bundle, { configPath: testConfig(folder, keys) });
      const failed = assert.rejects(creating);
      await sleep(300);
      await given.task.shutdown({ id: 'given', now: false });
      await failed;
      await given.end(5000);
      await leavesNothing(clean);
    },
  );
});
