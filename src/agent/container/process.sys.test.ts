import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { writeSync } from '../../os/fd.ts';
import { sleep } from '../../os/timer.ts';
import { utf8Encode } from '../../os/utf8.ts';
import type { LinuxSeccomp, Process } from '../../protocols/gen/oci.ts';
import { Container } from './container.ts';
import {
  makeImage,
  optionsOf,
  outcomeOf,
  processOf,
  readAll,
  removed,
  runContainer,
  shell,
  specOf,
  type TestImage,
} from './testing/test-container.ts';

let image: TestImage;
before(() => {
  image = makeImage();
});
after(() => image.dispose());

const userOf = (uid: number, gid: number, additionalGids: number[] = [], umask?: number): Partial<Process> => ({
  user: { uid, gid, additionalGids, username: '', umask },
});

/** Lines of /proc/self/status of a process with these settings. */
const status = (pattern: string, process: Partial<Process>): Promise<string> =>
  shell(image, `grep -E '${pattern}' /proc/self/status`, { process });

test('a process runs as the user and groups of its spec, with the umask of its spec', async () => {
  const line = 'id -u; id -g; id -G; umask; echo $HOME';
  assert.equal(
    await shell(image, line, { process: userOf(1000, 1001, [10, 29], 0o027) }),
    '1000\n1001\n1001 10 29\n0027\n/home/ann',
  );
  assert.equal(await shell(image, line), '0\n0\n0\n0022\n/root');
  assert.equal(await shell(image, line, { process: userOf(4711, 4712) }), '4711\n4712\n4712\n0022\n/');
});

test('HOME of the spec is left as it is', async () => {
  assert.equal(await shell(image, 'echo $HOME', { process: { env: ['PATH=/bin', 'HOME=/elsewhere'] } }), '/elsewhere');
});

test("users and groups by name are looked up in the image's files", async () => {
  const run = async (uid: string, gid: string, additionalGids: string[]): Promise<string> => {
    const stringUser = { uid, gid, additionalGids };
    const { stdout } = await runContainer(image, ['sh', '-c', 'id -u; id -g; id -G'], {}, { stringUser });
    return stdout.trim().replaceAll('\n', ' | ');
  };
  assert.equal(await run('ann', '', []), '1000 | 1001 | 1001 10 29');
  assert.equal(await run('ann', 'wheel', ['audio', '77']), '1000 | 10 | 10 29 77');
  assert.equal(await run('1000', '', []), '1000 | 1001 | 1001 10 29');
  assert.equal(await run('5000', '', []), '5000 | 0 | 0');
  await assert.rejects(run('nobody-here', '', []), {
    message: 'find the user: the user "nobody-here" is expected in the image\'s /etc/passwd, it is not there',
  });
});

test('a process has the five capability sets of its spec', async () => {
  const capabilities = {
    bounding: ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_RAW'],
    effective: ['CAP_KILL'],
    permitted: ['CAP_KILL', 'CAP_NET_RAW'],
    inheritable: ['CAP_NET_RAW'],
    ambient: ['CAP_NET_RAW'],
  };
  // exec gives root all of its bounding set; another user keeps what is ambient.
  const asUser = await status('Cap', { ...userOf(1000, 1000), capabilities });
  assert.equal(asUser.replaceAll(/Cap|\s+|0{10,}/g, ''), 'Inh:2000Prm:2000Eff:2000Bnd:2021Amb:2000');
  const asRoot = await status('Cap', { capabilities, noNewPrivileges: false });
  assert.match(asRoot, /CapBnd:\t0000000000002021/);
  assert.match(asRoot, /CapPrm:\t0000000000002021/);
  const none = await status('Cap(Eff|Bnd)', { capabilities: undefined });
  assert.match(none, /CapEff:\t0{16}\nCapBnd:\t0{16}/);
});

test('no_new_privs is set or not, as the spec says', async () => {
  assert.equal(await status('NoNewPrivs', { noNewPrivileges: true }), 'NoNewPrivs:\t1');
  assert.equal(await status('NoNewPrivs', { noNewPrivileges: false }), 'NoNewPrivs:\t0');
});

test('resource limits are those of the spec', async () => {
  const rlimits = [
    { type: 'RLIMIT_NOFILE', soft: 100n, hard: 200n },
    { type: 'RLIMIT_CORE', soft: 0n, hard: 0n },
  ];
  const seen = await shell(image, 'grep -E "open files|core file" /proc/self/limits', { process: { rlimits } });
  assert.match(seen, /core file size +0 +0 /);
  assert.match(seen, /open files +100 +200 /);
});

test('the oom score is set, also of a further process', async () => {
  const spec = specOf(image, ['cat'], { process: { oomScoreAdj: 321n } });
  const container = await Container.create(optionsOf(image, spec));
  await container.start();
  const read = processOf(['cat', '/proc/1/oom_score_adj', '/proc/self/oom_score_adj'], { oomScoreAdj: 654n });
  assert.equal((await outcomeOf(await container.exec({ execId: 'e', process: read }))).stdout, '321\n654\n');
  await removed(container);
});

test('the working directory is made when it is missing, and must be one that the user may enter', async () => {
  assert.equal(await shell(image, 'pwd', { process: { cwd: '/made/for/this' } }), '/made/for/this');
  assert.equal(await shell(image, 'pwd', { process: { ...userOf(1000, 1001), cwd: '/home/ann' } }), '/home/ann');
  const container = await Container.create(optionsOf(image, specOf(image, ['cat'])));
  await container.start();
  const nowhere = processOf(['true'], { cwd: '/no/where' });
  await assert.rejects(container.exec({ execId: 'e', process: nowhere }), {
    message: 'enter the folder /no/where: ENOENT',
  });
  await removed(container);
});

test('a program gets its arguments and variables byte for byte, and no descriptor but three', async () => {
  const args = [
    'sh',
    '-c',
    'for a in "$@"; do echo "[$a]"; done; echo "$GREETING"; ls /proc/self/fd',
    'x',
    'ä ö',
    '',
    '$HOME',
  ];
  const { stdout } = await runContainer(image, args, { process: { env: ['PATH=/bin', 'GREETING=grüß dich'] } });
  // ls has one more, of the folder that it lists.
  assert.equal(stdout, '[ä ö]\n[]\n[$HOME]\ngrüß dich\n0\n1\n2\n3\n');
});

test('a user who is not root may open /dev/stdout and /dev/stderr', async () => {
  const seen = await runContainer(image, ['sh', '-c', 'echo a > /dev/stdout; echo b > /dev/stderr'], {
    process: userOf(1000, 1001),
  });
  assert.deepEqual([seen.stdout, seen.stderr], ['a\n', 'b\n']);
});

test('a container has the default devices and those of its spec', async () => {
  const device = { path: '/dev/deep/sda', type: 'b', major: 8n, minor: 300n, fileMode: 0o640, uid: 1000, gid: 29 };
  const line =
    'stat -c "%n %t %T %a %u %g" /dev/null /dev/tty /dev/deep/sda; for l in fd stdin ptmx; do readlink /dev/$l; done';
  assert.equal(
    await shell(image, line, { linux: { devices: [device] } }),
    [
      '/dev/null 1 3 666 0 0',
      '/dev/tty 5 0 666 0 0',
      '/dev/deep/sda 8 12c 640 1000 29',
      '/proc/self/fd',
      '/proc/self/fd/0',
      'pts/ptmx',
    ].join('\n'),
  );
});

test('a terminal is the console of its container, in the size that was asked for', async () => {
  const process = { terminal: true, consoleSize: { width: 123, height: 45 }, ...userOf(1000, 1001) };
  const line =
    'tty; stty size; stat -c "%t %T" /dev/console; echo hello > /dev/tty; read x; echo "got $x"; stat -c "%u %a" /dev/pts/0';
  const container = await Container.create(optionsOf(image, specOf(image, ['sh', '-c', line], { process })));
  assert.equal(container.init.stderr, -1);
  await container.start();
  await sleep(50);
  writeSync(container.init.stdin, utf8Encode('typed\n'));
  const output = (await readAll(container.init.stdout)).replaceAll('\r', '');
  assert.match(output, /^\/dev\/pts\/0\n45 123\n88 0\nhello\ntyped\ngot typed\n/);
  assert.match(output, /\n1000 620\n$/);
  await removed(container);
});

test('a further process has its own terminal, of the same devpts, resized while it runs', async () => {
  const container = await Container.create(optionsOf(image, specOf(image, ['cat'])));
  await container.start();
  const shellOf = processOf(['sh', '-c', 'tty; stty size; read x; stty size; exit 4'], {
    terminal: true,
    consoleSize: { width: 80, height: 24 },
  });
  const exec = await container.exec({ execId: 'e', process: shellOf });
  exec.resize({ columns: 100, rows: 30 });
  await sleep(50);
  writeSync(exec.stdin, utf8Encode('\n'));
  const output = (await readAll(exec.stdout)).replaceAll('\r', '');
  assert.match(output, /^\/dev\/pts\/0\n(24 80|30 100)\n\n30 100\n$/);
  assert.deepEqual(await exec.exited, { code: 4, signal: 0 });
  await removed(container);
});

const denyMkdir: LinuxSeccomp = {
  defaultAction: 'SCMP_ACT_ALLOW',
  architectures: ['SCMP_ARCH_X86_64'],
  flags: [],
  syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 99, args: [] }],
  defaultErrnoRet: undefined,
};

for (const noNewPrivileges of [true, false])
  test(`a system call that the filter denies fails, ${noNewPrivileges ? 'with' : 'without'} no_new_privs`, async () => {
    const linux = { seccomp: denyMkdir };
    const line = 'mkdir /tmp/x; grep Seccomp: /proc/self/status';
    const seen = await shell(image, line, { process: { noNewPrivileges }, linux });
    assert.equal(seen, "Seccomp:\t2\nstderr: mkdir: can't create directory '/tmp/x': Cannot assign requested address");
  });
