// What a person sees of the sandboxes of a host: list, state, and exec into the guest itself.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Containerd, processes, versions, vmmOf } from '../harness/containerd.ts';
import { coverState, kata, startOnTerminal, traces } from '../harness/kata-runtime.ts';
import { testConfig } from '../harness/test-config.ts';

const LIMIT = { timeout: 120_000 };
const folder = mkdtempSync(path.join(tmpdir(), 'kata-ts-sandboxes-'));
const plain = testConfig(folder, { enable_template: 'false', default_memory: '512' });
const debugged = testConfig(folder, {
  ...{ enable_template: 'false', default_memory: '512', debug_console_enabled: 'true' },
  debug_console_shell: `"${path.resolve('dist/share/kata-containers/debug-console-shell')}"`,
});
let uncover: () => void;
let containerd: Containerd;
let own = '';

interface Listed {
  id: string;
  status: string;
  name: string;
  namespace: string;
  memoryBytes: number;
  vmm: { pid: number; running: boolean };
  shim: { pid: number; running: boolean };
  containers: { id: string; name?: string; image?: string; status?: string; pid?: number }[];
  debugConsole: boolean;
}

const list = async (): Promise<Listed[]> => JSON.parse((await kata(['list', '--format', 'json'])).stdout) as Listed[];
const annotated = (annotations: Record<string, string>) =>
  Object.entries(annotations).flatMap(([name, value]) => ['--annotation', `${name}=${value}`]);

before(async () => {
  uncover = coverState();
  containerd = await Containerd.start(Object.keys(versions)[0]!, { KATA_CONF_FILE: plain });
  const started = await kata(['--config', debugged, 'run', '-d', '--name', 'harbor', 'busybox', 'sleep', '3600']);
  assert.equal(started.status, 0, started.stderr);
  own = started.stdout.trim();
  const pod = {
    ...{ 'io.kubernetes.cri.container-type': 'sandbox', 'io.kubernetes.cri.sandbox-id': 'abc111' },
    ...{ 'io.kubernetes.cri.sandbox-name': 'web', 'io.kubernetes.cri.sandbox-namespace': 'prod' },
  };
  await containerd.sleeper('abc111', ...annotated(pod));
  const member = {
    ...{ 'io.kubernetes.cri.container-type': 'container', 'io.kubernetes.cri.sandbox-id': 'abc111' },
    ...{ 'io.kubernetes.cri.container-name': 'main', 'io.kubernetes.cri.image-name': 'busybox:1' },
  };
  await containerd.sleeper('c0ffee', ...annotated(member));
}, LIMIT);

after(async () => {
  await kata(['rm', '-f', 'harbor']);
  await containerd?.end('c0ffee');
  await containerd?.end('abc111');
  await containerd?.stop();
  assert.deepEqual(traces(), [], 'something was left behind');
  uncover();
  rmSync(folder, { recursive: true });
}, LIMIT);

describe('list', () => {
  it('shows every sandbox, whoever made it', LIMIT, async () => {
    const { status, stdout } = await kata(['list']);
    assert.equal(status, 0);
    assert.match(stdout, /^SANDBOX ID +NAME +NAMESPACE +CONTAINERS +VM +MEMORY +STATE\n/);
    assert.match(stdout, new RegExp(`^${own.slice(0, 12)} +harbor +kata-runtime +1 +\\d+ +\\S+ MiB +Up `, 'm'));
    assert.match(stdout, /^abc111 +prod\/web +default +2 +\d+ +\S+ MiB +Up /m);
    assert.equal((await kata(['list', '-q'])).stdout, `abc111\n${own}\n`);
  });

  it('tells programs of processes and memory', LIMIT, async () => {
    const pod = (await list()).find(({ id }) => id === 'abc111');
    assert.equal(pod?.vmm.pid, vmmOf('abc111'));
    assert.ok(pod.memoryBytes > 20 * 2 ** 20 && pod.memoryBytes < 600 * 2 ** 20, `${pod.memoryBytes}`);
    assert.deepEqual(
      pod.containers.map(({ id, name, image }) => [id, name, image]),
      [
        ['abc111', undefined, undefined],
        ['c0ffee', 'main', 'busybox:1'],
      ],
    );
    assert.equal(pod.debugConsole, false);
  });

  it('tells of one that nobody cleaned up after', LIMIT, async () => {
    mkdirSync('/run/kata/left');
    writeFileSync(
      '/run/kata/left/state.json',
      '{"version":1,"sandboxId":"left","vmm":{"pid":1,"startTime":"1"},"shim":{"pid":999999,"startTime":"1"}}',
    );
    try {
      assert.match((await kata(['list'])).stdout, /^left +- .* Broken: its shim and its VM ended$/m);
    } finally {
      rmSync('/run/kata/left', { recursive: true });
    }
  });
});

describe('state', () => {
  it('tells of a pod by its name, its id, its beginning, or one of its containers', LIMIT, async () => {
    for (const reference of ['web', 'prod/web', 'abc', 'c0ff']) {
      const { status, stdout, stderr } = await kata(['state', reference]);
      assert.equal(status, 0, stderr);
      assert.match(stdout, /^sandbox +abc111\nname +prod\/web\nstate +Up /);
      assert.match(stdout, /^VM +process \d+, \S+ MiB of the host's memory, 1 processor and 512 MiB at its start$/m);
      assert.match(stdout, /^c0ffee +main +busybox:1 +running +\d+$/m);
    }
    const [json] = JSON.parse((await kata(['state', '--format', 'json', 'harbor'])).stdout) as Listed[];
    assert.deepEqual([json?.id, json?.containers[0]?.status, json?.containers[0]?.image], [own, 'running', 'busybox']);
  });

  it('says which are meant when a beginning is that of several', LIMIT, async () => {
    mkdirSync('/run/kata/abd');
    writeFileSync('/run/kata/abd/state.json', '{"version":1,"sandboxId":"abd"}');
    try {
      const { status, stderr } = await kata(['state', 'ab']);
      assert.equal(status, 1);
      assert.match(stderr, /ab is expected to begin the id of one sandbox, it begins 2: abc111, abd/);
    } finally {
      rmSync('/run/kata/abd', { recursive: true });
    }
    assert.match(
      (await kata(['state', 'nobody'])).stderr,
      /there is no sandbox "nobody" \(kata-runtime list shows them\)/,
    );
  });
});

describe('exec of a sandbox without a command', () => {
  it('opens a shell in the guest, outside of its containers, with its exit status', LIMIT, async () => {
    const script = 'cat /proc/1/comm; ls -d /lib/modules; grep -c . /proc/modules; id -u; exit 7\n';
    const { status, stdout, stderr } = await kata(['exec', 'harbor'], { input: script });
    assert.equal(status, 7, stderr);
    // The agent is the guest's init; a container's would be sleep. No container sees the guest's modules.
    assert.match(stdout, /^init\n\/lib\/modules\n\d+\n0\n$/);
  });

  it('sees and signals the processes of the containers', LIMIT, async () => {
    const { stdout } = await kata(['exec', own.slice(0, 6)], { input: 'ps -o comm,args | grep -c "[s]leep 3600"\n' });
    assert.equal(stdout, '1\n');
  });

  it('gives a terminal to whoever has one', LIMIT, async () => {
    const run = startOnTerminal(['exec', 'harbor'], 'stty cols 90 rows 20; $KATA');
    await run.saw('guest:');
    run.child.stdin.write('tty; stty size; exit 3\r');
    const { status, stdout } = await run.ended;
    assert.match(stdout, /\/dev\/pts\/\d/);
    assert.match(stdout, /20 90/);
    assert.equal(status, 3);
  });

  it('ends its shell when whoever opened it is killed', LIMIT, async () => {
    const shells = async (): Promise<string> =>
      (await kata(['exec', 'harbor'], { input: 'ps -o args | grep -c "[b]usybox sh -i"\n' })).stdout;
    const run = startOnTerminal(['exec', 'harbor'], 'exec $KATA');
    await run.saw('guest:');
    assert.equal(await shells(), '1\n');
    const [client] = processes(/kata-runtime exec harbor/);
    process.kill(client!, 'SIGKILL');
    await run.ended;
    for (let tries = 0; (await shells()) !== '0\n'; tries++) assert.ok(tries < 20, 'the shell still runs');
  });

  it('is refused where it is not enabled, with what to set', LIMIT, async () => {
    const { status, stderr } = await kata(['exec', 'web']);
    assert.equal(status, 125);
    assert.match(
      stderr,
      /sandbox abc111 has no debug console \(set debug_console_enabled = true in \[agent\.kata\] of /,
    );
  });

  it('with a command it is a container’s, also one of containerd’s', LIMIT, async () => {
    for (const reference of ['c0ff', 'main']) {
      const script = 'hostname; cat /proc/1/comm; exit 4';
      const { status, stdout, stderr } = await kata(['exec', reference, 'sh', '-c', script]);
      assert.deepEqual([status, stdout.split('\n').at(-2)], [4, 'sleep'], stderr);
    }
    const { stdout } = await kata(['exec', '-i', 'c0ffee', 'cat'], { input: 'through' });
    assert.equal(stdout, 'through');
    assert.match((await kata(['exec', 'nobody', 'true'])).stderr, /there is no container "nobody"/);
  });

  it('with a command it is the container’s, as ever', LIMIT, async () => {
    const { status, stdout } = await kata(['exec', 'harbor', 'cat', '/proc/1/comm']);
    assert.deepEqual([status, stdout], [0, 'sleep\n']);
  });
});
