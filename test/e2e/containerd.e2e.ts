// The shim under real containerds, as containerd's own client drives it.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import {
  Containerd,
  footprint,
  IMAGE,
  processes,
  run,
  settledFootprint,
  shimOf,
  versions,
  vmmOf,
} from '../harness/containerd.ts';

const LIMIT = { timeout: 120_000 };

for (const version of Object.keys(versions)) {
  describe(`containerd ${version}`, () => {
    let containerd: Containerd;
    let clean: ReturnType<typeof footprint>;

    before(async () => {
      clean = footprint();
      containerd = await Containerd.start(version);
    }, LIMIT);
    after(async () => {
      await containerd.stop();
    }, LIMIT);

    it(
      'runs a container in a VM with a kernel of its own, passes its output and status on, and leaves nothing',
      LIMIT,
      async () => {
        const script = 'uname -r; echo to-stderr >&2; exit 7';
        const { status, stdout, stderr } = await containerd.run(['--rm', IMAGE, 'first', 'sh', '-c', script]);
        assert.equal(status, 7, stderr);
        const host = (await run(['uname', '-r'])).stdout;
        assert.match(stdout, /^\d+\.\d+\..*-amd64\n$/);
        assert.notEqual(stdout, host);
        assert.match(stderr, /to-stderr/);
        assert.deepEqual(await settledFootprint(), clean);
      },
    );

    it('gives the process what the flags say: folder, variables, user, read-only root', LIMIT, async () => {
      // ctr of 1.6 has no --user.
      const [user, flags] = version === '1.6' ? ['0', []] : ['65534', ['--user', '65534:65534']];
      const script = 'pwd; echo $COLOUR; id -u; id -g; touch /x 2>&1';
      const all = ['--rm', '--cwd', '/tmp', '--env', 'COLOUR=blue', '--read-only', ...flags];
      const { stdout } = await containerd.run([...all, IMAGE, 'flags', 'sh', '-c', script]);
      assert.equal(stdout, `/tmp\nblue\n${user}\n${user}\ntouch: /x: Read-only file system\n`);
    });

    it('tells containerd of a container in the order of its life', LIMIT, async () => {
      const told = await containerd.events();
      await containerd.run(['--rm', IMAGE, 'story', 'true']);
      const events = (await told()).filter(({ event }) => event.container_id === 'story');
      assert.deepEqual(
        events.map(({ topic }) => topic),
        ['/tasks/create', '/tasks/start', '/tasks/exit', '/tasks/delete'],
      );
      const [create, start, exit] = events.map(({ event }) => event);
      assert.ok((create!.pid as number) > 1);
      assert.equal(start!.pid, create!.pid);
      assert.equal(exit!.pid, create!.pid);
    });

    describe('a container that runs', () => {
      before(() => containerd.sleeper('runs'), LIMIT);
      after(() => containerd.end('runs'), LIMIT);
      const exec = (id: string, command: string[], options?: Parameters<Containerd['ctr']>[1]) =>
        containerd.ctr(['task', 'exec', '--exec-id', id, 'runs', ...command], options);

      it('runs further processes in it and passes each status on', LIMIT, async () => {
        assert.equal((await exec('true', ['true'])).status, 0);
        assert.equal((await exec('five', ['sh', '-c', 'exit 5'])).status, 5);
        assert.equal((await exec('term', ['sh', '-c', 'kill -TERM $$'])).status, 143);
      });

      it('says which program is missing', LIMIT, async () => {
        const { status, stderr } = await exec('none', ['no-such-program']);
        assert.notEqual(status, 0);
        assert.match(stderr, /no-such-program/);
      });

      it('passes a mebibyte of any bytes through unchanged, both ways', LIMIT, async () => {
        const input = randomBytes(1 << 20);
        const { stdout, status } = await exec('cat', ['cat'], { input });
        assert.equal(status, 0);
        assert.ok(Buffer.from(stdout, 'latin1').equals(input));
      });

      it('loses no byte of a large output, however short the process lives', LIMIT, async () => {
        const { stdout } = await exec('big', ['dd', 'if=/dev/zero', 'bs=1M', 'count=32']);
        const expected = createHash('sha256')
          .update(Buffer.alloc(32 << 20))
          .digest('hex');
        assert.equal(createHash('sha256').update(Buffer.from(stdout, 'latin1')).digest('hex'), expected);
      });

      it('tells the end of a process although its children keep its output open', LIMIT, async () => {
        const start = performance.now();
        const { stdout, status } = await exec('orphan', ['sh', '-c', 'sleep 30 & echo said']);
        assert.deepEqual([stdout, status], ['said\n', 0]);
        assert.ok(performance.now() - start < 5000);
      });

      it("gives a process a terminal of the size of the user's", LIMIT, async () => {
        const inner = ['task', 'exec', '-t', '--exec-id', 'tty', 'runs', 'sh', '-c', '"sleep 1; tty; stty size"'];
        const command = `stty rows 40 cols 100; ${containerd.client} --address ${containerd.address} ${inner.join(' ')}`;
        const { stdout } = await run(['script', '-qec', command, '/dev/null']);
        // ctr tells the size once the process runs.
        assert.match(stdout, /\/dev\/pts\/\d+/);
        assert.match(stdout, /40 100/);
      });

      it('pauses and goes on', LIMIT, async () => {
        await containerd.ok(['task', 'pause', 'runs']);
        assert.equal(await containerd.state('runs'), 'PAUSED');
        await containerd.ok(['task', 'resume', 'runs']);
        assert.equal(await containerd.state('runs'), 'RUNNING');
      });

      it('lists its processes by their pids in the guest, and counts what they use', LIMIT, async () => {
        const pids = (await containerd.ok(['task', 'ps', 'runs'])).split('\n').slice(1).filter(Boolean);
        assert.ok(pids.length >= 1);
        const metrics = await containerd.ok(['task', 'metrics', 'runs']);
        const value = (name: RegExp) => Number(new RegExp(`${name.source}\\s+(\\d+)`).exec(metrics)?.[1]);
        assert.ok(value(/memory\.usage(?:_in_bytes)?/) > 4096, metrics);
        assert.ok(value(/pids\.current/) >= 1);
      });
    });

    it('reports every process killed, within a second, when the VM is killed', LIMIT, async () => {
      await containerd.sleeper('vm-dies');
      const told = await containerd.events();
      const execEnds = containerd.ctr(['task', 'exec', '--exec-id', 'long', 'vm-dies', 'sleep', '1000']);
      await new Promise((resolve) => setTimeout(resolve, 700));
      process.kill(vmmOf('vm-dies'), 'SIGKILL');
      const waitedMs = await containerd.waitFor('vm-dies', (state) => state === 'STOPPED');
      assert.ok(waitedMs < 1000, `it took ${waitedMs} ms`);
      assert.equal((await execEnds).status, 137);
      const exits = (await told()).filter(({ topic }) => topic === '/tasks/exit');
      assert.deepEqual(exits.map(({ event }) => [event.id, event.exit_status]).sort(), [
        ['long', 137],
        ['vm-dies', 137],
      ]);
      await containerd.end('vm-dies');
      assert.deepEqual(await settledFootprint(), clean);
    });

    it('cleans everything up when the shim is killed', LIMIT, async () => {
      await containerd.sleeper('shim-dies');
      const vmm = vmmOf('shim-dies');
      process.kill(shimOf('shim-dies'), 'SIGKILL');
      await containerd.waitFor('shim-dies', (state) => state === undefined);
      assert.ok(!processes(/qemu-system/).includes(vmm));
      await containerd.end('shim-dies');
      assert.deepEqual(await settledFootprint(), clean);
    });

    it('starts three containers of one image at once', LIMIT, async () => {
      const ids = ['one', 'two', 'three'];
      const all = await Promise.all(ids.map((id) => containerd.run(['--rm', IMAGE, id, 'echo', id])));
      assert.deepEqual(
        all.map(({ stdout }) => stdout),
        ids.map((id) => `${id}\n`),
        all.map(({ stderr }) => stderr).join('\n'),
      );
      assert.deepEqual(await settledFootprint(), clean);
    });
  });
}
