// kata-runtime's containers in the background: run -d, exec, ps, logs, stop, kill, rm, inspect.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { coverState, kata, start, startOnTerminal, traces } from '../harness/kata-runtime.ts';

const LIMIT = { timeout: 60_000 };
let uncover: () => void;

before(() => {
  uncover = coverState();
});
after(() => {
  assert.deepEqual(traces(), [], 'something was left behind');
  uncover();
});

/** Starts a container in the background; its id. */
async function detached(name: string, script: string, ...flags: string[]): Promise<string> {
  const { status, stdout, stderr } = await kata(['run', '-d', '--name', name, ...flags, 'busybox', 'sh', '-c', script]);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^[0-9a-f]{64}\n$/);
  return stdout.trim();
}

interface Listed {
  id: string;
  name: string;
  status: string;
  exitStatus: number | null;
  pid: number;
}

async function list(): Promise<Listed[]> {
  return JSON.parse((await kata(['ps', '-a', '--format', 'json'])).stdout) as Listed[];
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await holds()); tries++) {
    assert.ok(tries < 200, `${what} was expected within 10 s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const waitForEnd = (name: string): Promise<void> =>
  until(`the end of ${name}`, async () =>
    (await list()).some((each) => each.name === name && each.status === 'exited'),
  );

describe('a container in the background', () => {
  let id = '';
  before(async () => {
    id = await detached('harbor', 'echo out; echo err >&2; trap "exit 6" TERM; while :; do sleep 0.1; done');
  }, LIMIT);
  after(() => kata(['rm', '-f', 'harbor']), LIMIT);

  it('is listed with its short id, its command and its name', LIMIT, async () => {
    const { stdout } = await kata(['ps']);
    assert.match(stdout, new RegExp(`^${id.slice(0, 12)}   busybox +"sh -c echo .*…" +.* ago +Up .* +harbor$`, 'm'));
    assert.equal((await kata(['ps', '-q'])).stdout, `${id.slice(0, 12)}\n`);
  });

  it('is found by name, id and the beginning of its id', LIMIT, async () => {
    for (const name of ['harbor', id, id.slice(0, 5)]) {
      const [found] = JSON.parse((await kata(['inspect', name])).stdout) as Listed[];
      assert.equal(found?.id, id, name);
    }
  });

  it('keeps what it puts out, each stream by itself', LIMIT, async () => {
    await until('its output', async () => (await kata(['logs', 'harbor'])).stderr === 'err\n');
    assert.deepEqual(await kata(['logs', 'harbor']), { status: 0, stdout: 'out\n', stderr: 'err\n' });
  });

  it('runs further commands with their own user, folder, variables and exit status', LIMIT, async () => {
    const script = 'id -u; pwd; echo $X; hostname; exit 7';
    const { status, stdout } = await kata([
      ...['exec', '-u', '33', '-w', '/etc', '-e', 'X=1', 'harbor', 'sh', '-c', script],
    ]);
    assert.equal(stdout, `33\n/etc\n1\n${id.slice(0, 12)}\n`);
    assert.equal(status, 7);
  });

  it('gives a further command its input, and a terminal', LIMIT, async () => {
    assert.equal((await kata(['exec', '-i', 'harbor', 'cat'], { input: 'typed' })).stdout, 'typed');
    const under = startOnTerminal(['exec', '-it', 'harbor', 'sh', '-c', 'tty; read x; echo got $x']);
    await under.saw('/dev/pts/');
    under.child.stdin.write('keys\n');
    assert.match((await under.ended).stdout, /got keys\r\n$/);
  });

  it('says when a further command is not there, as docker does', LIMIT, async () => {
    const { status, stderr } = await kata(['exec', 'harbor', 'frob']);
    assert.match(stderr, /"frob": executable file not found/);
    assert.equal(status, 127);
  });

  it('keeps its name to itself', LIMIT, async () => {
    const { status, stderr } = await kata(['run', '-d', '--name', 'harbor', 'busybox', 'true']);
    assert.match(stderr, new RegExp(`the name harbor is taken by container ${id.slice(0, 12)}`));
    assert.equal(status, 125);
    assert.equal((await list()).length, 1);
  });

  it('is not removed while it runs', LIMIT, async () => {
    const { status, stderr } = await kata(['rm', 'harbor']);
    assert.match(stderr, /is running, one that ended is expected \(kata-runtime stop harbor, or rm -f\)/);
    assert.equal(status, 1);
  });

  it('gets signals, ends when asked, and is remembered with its exit status until it is removed', LIMIT, async () => {
    assert.equal((await kata(['stop', 'harbor'])).stdout, 'harbor\n');
    assert.deepEqual(
      (await list()).map(({ name, status, exitStatus }) => [name, status, exitStatus]),
      [['harbor', 'exited', 6]],
    );
    assert.equal((await kata(['ps', '-q'])).stdout, '');
    assert.equal((await kata(['logs', '--tail', '1', 'harbor'])).stdout, 'out\n');
    assert.match((await kata(['exec', 'harbor', 'true'])).stderr, /is expected to run, it does not/);
    // Its VM went when it ended.
    assert.deepEqual(traces(), [`/run/kata-runtime/${id}`]);
    assert.equal((await kata(['rm', 'harbor'])).stdout, 'harbor\n');
    assert.deepEqual(await list(), []);
  });
});

describe('containers that end in other ways', () => {
  it('by themselves: --rm removes them, and logs -f ends with them', LIMIT, async () => {
    const id = await detached('short', 'echo first; sleep 1; echo last', '--rm');
    assert.equal((await kata(['logs', '-f', 'short'])).stdout, 'first\nlast\n');
    // Nobody has to look for that.
    await until('its removal', async () => !existsSync(`/run/kata-runtime/${id}`));
    assert.deepEqual(traces(), []);
  });

  it('by themselves: the VM goes at once, the container stays to be looked at', LIMIT, async () => {
    const id = await detached('brief', 'sleep 1; exit 4');
    await until("its VM's end", async () => traces().length === 1);
    assert.deepEqual(traces(), [`/run/kata-runtime/${id}`]);
    assert.equal((await list())[0]?.exitStatus, 4);
    await kata(['rm', 'brief']);
  });

  it('by a signal of kata-runtime kill', LIMIT, async () => {
    await detached('victim', 'sleep 1000');
    assert.equal((await kata(['kill', '-s', 'frob', 'victim'])).status, 125);
    assert.equal((await kata(['kill', 'victim'])).stdout, 'victim\n');
    await waitForEnd('victim');
    assert.equal((await list())[0]?.exitStatus, 137);
    assert.equal((await kata(['kill', 'victim'])).status, 1);
    await kata(['rm', 'victim']);
  });

  it('with their shim, killed: they are listed as killed, and rm leaves nothing', LIMIT, async () => {
    const id = await detached('orphan', 'sleep 1000');
    process.kill(Number(readFileSync(`/run/kata-runtime/${id}/shim.pid`, 'utf8')), 'SIGKILL');
    await waitForEnd('orphan');
    assert.equal((await list())[0]?.exitStatus, 137);
    assert.equal((await kata(['rm', 'orphan'])).status, 0);
    assert.deepEqual(traces(), []);
  });

  it('with their VM, killed: that is known within a second', LIMIT, async () => {
    const id = await detached('powerless', 'sleep 1000');
    const vmm = JSON.parse(readFileSync(`/run/kata/${id}/state.json`, 'utf8')).vmm.pid as number;
    process.kill(vmm, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    assert.equal((await list())[0]?.exitStatus, 137);
    assert.equal((await kata(['rm', 'powerless'])).status, 0);
    assert.deepEqual(traces(), []);
  });

  it('by force, while they run and while they are made', LIMIT, async () => {
    await detached('running', 'sleep 1000');
    assert.equal((await kata(['rm', '-f', 'running'])).status, 0);
    const under = start(['run', '--name', 'making', 'busybox', 'sleep', '1000']);
    await until('its shim', async () => (await list())[0]?.status === 'creating');
    assert.equal((await kata(['rm', '-f', 'making'])).status, 0);
    const { status, stderr } = await under.ended;
    assert.match(stderr, /was ended while it was made|the VM was stopped/);
    assert.equal(status, 125);
    assert.deepEqual(traces(), []);
  });
});

describe('several containers', () => {
  it('are removed in one go; one that is not there is an error unless by force', LIMIT, async () => {
    const ids = await Promise.all(['one', 'two'].map((name) => detached(name, 'sleep 1000')));
    const gone = await kata(['rm', '-f', 'nobody', ...ids]);
    assert.equal(gone.stdout, ids.map((id) => `${id}\n`).join(''));
    assert.equal(gone.status, 0);
    assert.equal((await kata(['rm', 'nobody'])).status, 1);
  });
});
