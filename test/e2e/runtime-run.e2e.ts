// kata-runtime run: what a person sees of a container in the foreground.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { coverState, KATA_RUNTIME, kata, Running, start, startOnTerminal, traces } from '../harness/kata-runtime.ts';
import { testConfig } from '../harness/test-config.ts';

const LIMIT = { timeout: 60_000 };
let uncover: () => void;
let folder: string;

before(() => {
  uncover = coverState();
  folder = mkdtempSync(path.join(tmpdir(), 'kata-runtime-run-'));
});
after(() => {
  uncover();
  rmSync(folder, { recursive: true });
});
afterEach(() => assert.deepEqual(traces(), [], 'something was left behind'));

const run = (...args: string[]) => kata(['run', '--rm', ...args]);
const sh = (script: string, ...flags: string[]) => run(...flags, 'busybox', 'sh', '-c', script);

describe('a container in the foreground', () => {
  it('runs in a VM with a kernel of its own, and passes output, errors and exit status on', LIMIT, async () => {
    const { status, stdout, stderr } = await sh('uname -r; echo trouble >&2; exit 42');
    assert.equal(status, 42);
    assert.match(stdout, /^\d+\.\d+\.\d+.*\n$/);
    assert.equal(stderr, 'trouble\n');
  });

  it('gets what flags say: variables, folder, user, name of the host, limits, a read-only root', LIMIT, async () => {
    const file = path.join(folder, 'variables');
    writeFileSync(file, '# colours\nA=file\nB=file\n');
    const { stdout, status } = await kata(
      [
        ...['run', '--rm', '-w', '/tmp', '-u', 'www-data', '--hostname', 'harbor', '--memory', '64m', '--cpus', '0.5'],
        ...['--env-file', file, '-eA=flag', '-e', 'PASSED', '--read-only', 'busybox', 'sh', '-c'],
        'pwd; id -un; id -gn; hostname; echo $A $B $PASSED; cd /sys/fs/cgroup; cat memory.max cpu.max; touch /x 2>&1',
      ],
      { env: { PASSED: 'on' } },
    );
    assert.equal(
      stdout,
      '/tmp\nwww-data\nwww-data\nharbor\nflag file on\n67108864\n50000 100000\ntouch: /x: Read-only file system\n',
    );
    assert.equal(status, 1);
  });

  it('knows itself by its name, unless a volume says otherwise', LIMIT, async () => {
    const script = 'cat /etc/hostname; ping -c 1 localhost >/dev/null && ping -c 1 harbor >/dev/null && echo known';
    assert.equal((await sh(script, '--hostname', 'harbor')).stdout, 'harbor\nknown\n');
    const hosts = path.join(folder, 'hosts');
    writeFileSync(hosts, '127.0.0.9 elsewhere\n');
    assert.equal((await sh('cat /etc/hosts', '-v', `${hosts}:/etc/hosts`)).stdout, '127.0.0.9 elsewhere\n');
  });

  it('lets --entrypoint and the words behind the image say what runs', LIMIT, async () => {
    assert.equal((await run('--entrypoint', 'echo', 'busybox', '-n', 'a', '--rm')).stdout, 'a --rm');
  });

  it('reads every byte of standard input to its end, and gives every byte back', LIMIT, async () => {
    const input = randomBytes(3_000_000).toString('base64');
    const { stdout, stderr } = await kata(['run', '--rm', '-i', 'busybox', 'sh', '-c', 'cat; echo read >&2'], {
      input,
    });
    assert.equal(stderr, 'read\n');
    const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
    assert.equal(digest(stdout), digest(input));
  });

  it('without -i, gives no input', LIMIT, async () => {
    assert.equal((await kata(['run', '--rm', 'busybox', 'cat'], { input: 'unread' })).stdout, '');
  });

  it('copies a volume in', LIMIT, async () => {
    writeFileSync(path.join(folder, 'note'), 'from the host\n');
    const { stdout } = await sh('cat /mnt/note; touch /mnt/x 2>&1', '-v', `${folder}:/mnt:ro`);
    assert.equal(stdout, 'from the host\ntouch: /mnt/x: Read-only file system\n');
  });

  it('ends when nobody reads its output any longer', LIMIT, async () => {
    const { stdout } = await new Running(['sh', '-c', `${KATA_RUNTIME} run --rm busybox yes | head -n 1`]).ended;
    assert.equal(stdout, 'y\n');
  });

  it('gets the signals that kata-runtime gets', LIMIT, async () => {
    const script = 'trap "echo caught; exit 3" TERM; echo ready; while :; do sleep 0.1; done';
    const under = start(['run', '--rm', 'busybox', 'sh', '-c', script]);
    await under.saw('ready');
    under.child.kill('SIGTERM');
    const { status, stdout } = await under.ended;
    assert.equal(stdout, 'ready\ncaught\n');
    assert.equal(status, 3);
  });

  it('tells on request when what happened', LIMIT, async () => {
    const { stderr } = await run('--timeline', 'busybox', 'true');
    const at = (title: string): number => Number(new RegExp(`^${title} +(\\d+) ms$`, 'm').exec(stderr)?.[1]);
    const moments = ['spawned', 'guest up', 'agent up', 'process started', 'exited'].map(at);
    assert.ok(at('root attached') > 0, stderr);
    assert.deepEqual(
      moments,
      [...moments].sort((one, other) => one - other),
      stderr,
    );
    assert.ok(
      moments.every((ms) => ms > 0),
      stderr,
    );
  });
});

describe('a container whose VM is killed', () => {
  const killVmOf = (id: string) =>
    process.kill(JSON.parse(readFileSync(`/run/kata/${id}/state.json`, 'utf8')).vmm.pid, 'SIGKILL');
  const expected =
    /^kata-runtime: the VM of container [0-9a-f]{12} is expected to run until the container ends, QEMU was ended by signal 9; .*\(.*dmesg tells .*\)\n$/;

  for (const [flags, log] of [
    [['--rm'], /without --rm its log is kept/],
    [[], /its log is \/run\/kata-runtime\/[0-9a-f]{64}\/log/],
  ] as const)
    it(`is told of in one line and counts as killed, ${flags.join(' ') || 'kept'}`, LIMIT, async () => {
      const running = start(['run', ...flags, '--name', 'powerless', 'busybox', 'sh', '-c', 'echo up; sleep 1000']);
      running.child.stdin.end();
      await running.saw('up');
      const [{ id }] = JSON.parse((await kata(['inspect', 'powerless'])).stdout);
      killVmOf(id);
      const { status, stderr } = await running.ended;
      assert.equal(status, 137);
      assert.match(stderr, expected);
      assert.match(stderr, log);
      if (flags.length > 0) return;
      assert.match(
        readFileSync(/its log is ([^;]*);/.exec(stderr)![1]!, 'utf8'),
        /the VM of sandbox .* QEMU was ended by signal 9/,
      );
      await kata(['rm', 'powerless']);
    });

  it('is told to whoever has a further process in it', LIMIT, async () => {
    const id = (await kata(['run', '-d', '--name', 'powerless', 'busybox', 'sleep', '1000'])).stdout.trim();
    const running = start(['exec', 'powerless', 'sh', '-c', 'echo up; sleep 1000']);
    running.child.stdin.end();
    await running.saw('up');
    killVmOf(id);
    const { status, stderr } = await running.ended;
    assert.equal(status, 137);
    assert.match(stderr, expected);
    await kata(['rm', '-f', 'powerless']);
  });

  it('is not blamed for a process that was killed in it', LIMIT, async () => {
    const running = start(['run', '--rm', '--name', 'victim', 'busybox', 'sh', '-c', 'echo up; sleep 1000']);
    running.child.stdin.end();
    await running.saw('up');
    await kata(['kill', '-s', 'KILL', 'victim']);
    const { status, stderr } = await running.ended;
    assert.deepEqual([status, stderr], [137, '']);
  });
});

describe('a container on a terminal', () => {
  it('is typed into, and leaves the terminal as it was', LIMIT, async () => {
    const args = ['run', '--rm', '-it', 'busybox', 'sh', '-c', 'tty; read line; echo got $line; exit 5'];
    const under = startOnTerminal(args, '$KATA; status=$?; stty -a | grep -q " icanon" && echo restored; exit $status');
    await under.saw('/dev/pts/');
    under.child.stdin.write('keys\n');
    const { status, stdout } = await under.ended;
    assert.match(stdout, /got keys\r\nrestored\r\n$/);
    assert.equal(status, 5);
  });

  it('has the size of the window, and follows it', LIMIT, async () => {
    const script = 'stty size; while [ "$(stty size)" = "33 101" ]; do sleep 0.1; done; stty size';
    const grow = path.join(folder, 'grow');
    const under = startOnTerminal(
      ['run', '--rm', '-it', 'busybox', 'sh', '-c', script],
      `stty rows 33 cols 101; (until [ -e ${grow} ]; do sleep 0.1; done; stty rows 50 cols 120 </dev/tty) & $KATA`,
    );
    await under.saw('33 101');
    writeFileSync(grow, '');
    assert.equal((await under.ended).stdout, '33 101\r\n50 120\r\n');
  });

  it('gets Ctrl-C as a key', LIMIT, async () => {
    const script = 'trap "echo interrupted; exit 9" INT; echo ready; while :; do sleep 0.1; done';
    const under = startOnTerminal(['run', '--rm', '-it', 'busybox', 'sh', '-c', script]);
    await under.saw('ready');
    under.child.stdin.write('\x03');
    const { status, stdout } = await under.ended;
    assert.match(stdout, /interrupted\r\n$/);
    assert.equal(status, 9);
  });

  it('is refused when the input is none', LIMIT, async () => {
    const { status, stderr } = await run('-it', 'busybox', 'true');
    assert.equal(stderr, 'kata-runtime: the input device is not a TTY (leave out -t to pipe something in)\n');
    assert.equal(status, 125);
  });
});

describe('a run that fails leaves nothing and says why in one line', () => {
  const cases: [title: string, args: string[], status: number, message: RegExp][] = [
    ['no such command', ['busybox', 'frob'], 127, /"frob": executable file not found in \$PATH/],
    ['a command that cannot run', ['busybox', '/etc/passwd'], 126, /"\/etc\/passwd": permission denied/],
    [
      'no such user',
      ['-u', 'frob', 'busybox', 'true'],
      125,
      /the user "frob" is expected in the image's \/etc\/passwd/,
    ],
    ['a reference that is none', ['Bad Name', 'true'], 125, /an image reference is expected, found "Bad Name"/],
    ['an image that is not there', ['oci:/nowhere', 'true'], 125, /an image is expected at oci:\/nowhere/],
    ['more memory than a guest has', ['-m', '900g', 'busybox'], 125, /--memory is expected to be at most/],
    ['no configuration', [], 125, /expected a file, found none at \/nowhere/],
  ];
  for (const [title, args, status, message] of cases)
    it(title, LIMIT, async () => {
      const all = args.length === 0 ? ['--config', '/nowhere', 'run', 'busybox'] : ['run', '--rm', ...args];
      const result = await kata(all);
      assert.equal(result.status, status, result.stderr);
      const lines = result.stderr.trimEnd().split('\n');
      assert.match(lines.at(-1) ?? '', /^kata-runtime: .* \(.*\)$/);
      assert.match(lines.at(-1) ?? '', message);
    });

  it('a guest that has no kernel', LIMIT, async () => {
    const config = path.join(folder, 'configuration.toml');
    writeFileSync(config, '[hypervisor.qemu]\nkernel = "/nowhere/vmlinux"\ninitrd = "/nowhere/initrd"\n');
    const { status, stderr } = await kata(['--config', config, 'run', '--rm', 'busybox', 'true']);
    assert.match(stderr, /\/nowhere\/vmlinux/);
    assert.equal(status, 125);
  });

  it('a user who is not root', () => {
    const { status, stderr } = spawnSync(KATA_RUNTIME, ['run', '--rm', 'busybox'], { uid: 65534, encoding: 'utf8' });
    assert.equal(stderr, 'kata-runtime: root is expected to run kata-runtime run (sudo kata-runtime run)\n');
    assert.equal(status, 125);
  });

  it('a signal while the guest boots', LIMIT, async () => {
    const env = { KATA_CONF_FILE: testConfig(folder, { enable_template: 'false' }) };
    const under = start(['run', '--rm', 'busybox', 'sleep', '1000'], { env });
    await new Promise((resolve) => setTimeout(resolve, 700));
    under.child.kill('SIGINT');
    assert.equal((await under.ended).status, 130);
  });
});
