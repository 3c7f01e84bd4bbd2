import assert from 'node:assert/strict';
import { test } from 'node:test';
import { syscall } from 'sys';
import { NR } from '../syscall/numbers.ts';
import { listDirectory, makeTemporaryDirectory, removeTree } from './directory.ts';
import { close, O, open, pipe, readSync, setCloseOnExec } from './fd.ts';
import { readlink, writeFile } from './file.ts';
import { exitNow, findExecutable, fork, isChild, run, runChecked, spawn, waitSync } from './process.ts';
import { SIGNAL } from './signal.ts';
import { monotonicMs, sleep } from './timer.ts';
import { utf8Decode } from './utf8.ts';

const descriptors = (): number => listDirectory('/proc/self/fd').length;

test('a program runs to its end and says how it ended', async () => {
  // The loop opens its own descriptor when it is first needed.
  await run(['sleep', '0.02']);
  const before = descriptors();
  assert.deepEqual(await run(['sh', '-c', 'echo out; echo err >&2; exit 7']), {
    status: { code: 7, signal: 0 },
    stdout: 'out\n',
    stderr: 'err\n',
  });
  assert.deepEqual((await run(['sh', '-c', 'kill -TERM $$'])).status, { code: 143, signal: 15 });
  assert.equal(descriptors(), before);
});

test('output larger than any pipe arrives whole', async () => {
  const { stdout } = await run(['sh', '-c', 'head -c 3000000 /dev/zero | tr "\\0" x; echo end >&2']);
  assert.equal(stdout.length, 3_000_000);
});

test('a program gets its arguments, environment and folder, and nothing else', async () => {
  const { stdout } = await run(['sh', '-c', 'pwd; env; printf "[%s]" "$@"', 'name', 'a b', '', 'grüße'], {
    env: ['PATH=/usr/bin:/bin', 'A=1'],
    cwd: '/proc',
  });
  assert.match(stdout, /^\/proc\n/);
  assert.match(stdout, /^A=1$/m);
  assert.doesNotMatch(stdout, /^HOME=/m);
  assert.match(stdout, /\[a b\]\[\]\[grüße\]$/);
});

test('a program gets just the descriptors that are named, at the numbers that are named, even crosswise', async () => {
  const inherited = open('/dev/zero', O.RDONLY);
  setCloseOnExec(inherited, false);
  const [oneRead, oneWrite] = pipe();
  const [twoRead, twoWrite] = pipe();
  const [one, two] = [oneWrite, twoWrite].map((fd) => readlink(`/proc/self/fd/${fd}`)) as [string, string];
  const fds = new Map([
    [1, oneWrite],
    [oneWrite, twoWrite],
    [twoWrite, oneWrite],
    [50, twoWrite],
  ]);
  const child = spawn(['ls', '-l', '/proc/self/fd'], { fds });
  assert.equal((await child.wait()).code, 0);
  const buffer = new Uint8Array(8192);
  const listing = utf8Decode(buffer.subarray(0, readSync(oneRead, buffer)));
  const seen = [...listing.matchAll(/ (\d+) -> (\S+)/g)].filter(([, , path]) => !path!.startsWith('/proc/'));
  assert.deepEqual(
    new Map(seen.map(([, number, path]) => [Number(number), path])),
    new Map([
      [0, '/dev/null'],
      [1, one],
      [2, '/dev/null'],
      [oneWrite, two],
      [twoWrite, one],
      [50, two],
    ]),
  );
  for (const fd of [inherited, oneRead, oneWrite, twoRead, twoWrite]) close(fd);
});

test('a program that cannot be started is an error of the start, and leaves nothing', () => {
  const before = descriptors();
  assert.throws(() => spawn(['kata-no-such-program']), { code: 'not-found', errno: 'ENOENT' });
  assert.throws(() => spawn(['/etc/passwd']), {
    code: 'permission-denied',
    errno: 'EACCES',
    message: /start \/etc\/passwd: execute \/etc\/passwd.*EACCES/,
  });
  assert.throws(() => spawn(['true'], { cwd: '/tmp/kata-no-such-folder' }), {
    errno: 'ENOENT',
    message: /enter \/tmp\/kata-no/,
  });
  assert.throws(
    () =>
      spawn(['true'], {
        beforeExec: () => {
          throw new Error(`own words ${'x'.repeat(10_000)}`);
        },
      }),
    { code: 'internal', message: /own words x{10000}/ },
  );
  assert.equal(descriptors(), before);
  assert.equal(existsChild(), false);
});

/** Whether a child is left, running or not yet fetched. */
function existsChild(): boolean {
  const P_ALL = 0;
  const WNOHANG_WEXITED_WNOWAIT = 1 | 4 | 0x1000000;
  return syscall(NR.waitid, P_ALL, 0, new Int32Array(32), WNOHANG_WEXITED_WNOWAIT, null) === 0;
}

test('what a script without an interpreter line is, the kernel says', () => {
  const folder = makeTemporaryDirectory('/tmp/kata-process-test-');
  writeFile(`${folder}/script`, 'echo hello', 0o755);
  assert.throws(() => spawn([`${folder}/script`]), { errno: 'ENOEXEC' });
  removeTree(folder);
});

test('arguments with a NUL in them are refused, not cut', () => {
  assert.throws(() => spawn(['echo', 'a\0b']), { code: 'invalid-argument', message: /NUL/ });
});

test('a child is killed, and only once', async () => {
  const child = spawn(['sleep', '100']);
  assert.equal(isChild(child.pid), true);
  assert.equal(child.status, undefined);
  const waiting = child.wait();
  assert.equal(child.kill(SIGNAL.TERM), true);
  assert.deepEqual(await waiting, { code: 143, signal: 15 });
  assert.deepEqual(await child.wait(), { code: 143, signal: 15 });
  assert.deepEqual(child.status, { code: 143, signal: 15 });
  assert.equal(child.kill(SIGNAL.TERM), false);
  assert.equal(isChild(child.pid), false);
});

test('a program that takes too long is ended, also when its own child keeps its output open', async () => {
  const before = descriptors();
  const start = monotonicMs();
  await assert.rejects(run(['sh', '-c', 'sleep 100 & sleep 100'], { timeoutMs: 50 }), {
    code: 'deadline-exceeded',
    message: 'sh is expected to end within 50 ms, it still runs',
  });
  assert.ok(monotonicMs() - start < 5000);
  assert.equal(descriptors(), before);
});

test('what a failing program said last is in the error', async () => {
  assert.equal(await runChecked(['echo', 'fine']), 'fine\n');
  await assert.rejects(runChecked(['sh', '-c', 'for i in 1 2 3 4 5 6 7; do echo line $i >&2; done; exit 3']), {
    message: /ended with 3: line 3 \| line 4 \| line 5 \| line 6 \| line 7$/,
  });
});

test('a program dies with the process that started it', async () => {
  const [reader, writer] = pipe();
  const forked = fork();
  if (forked === null) {
    const child = spawn(['sleep', '100'], { parentDeathSignal: SIGNAL.KILL });
    syscall(NR.write, writer, new Uint8Array(new Int32Array([child.pid]).buffer), 4);
    exitNow(0);
  }
  const pid = new Int32Array(1);
  assert.equal(readSync(reader, new Uint8Array(pid.buffer)), 4);
  waitSync(forked);
  close(reader);
  close(writer);
  // Signal 0 only asks. Until process 1 has fetched it, it is there as a zombie.
  const gone = () => syscall(NR.kill, pid[0]!, 0) < 0;
  for (let i = 0; i < 500 && !gone(); i++) await sleep(10);
  assert.ok(gone());
});

test('a session of its own has no terminal and no part in our signals', async () => {
  const { stdout } = await run(['sh', '-c', 'cut -d" " -f1,5,6 /proc/$$/stat'], { newSession: true });
  const [pid, group, session] = stdout.trim().split(' ');
  assert.equal(group, pid);
  assert.equal(session, pid);
});

test('a name is looked up as a shell does, a path is taken as it is', () => {
  assert.match(findExecutable('sh'), /^\/.*\/sh$/);
  assert.equal(findExecutable('/no/such/thing'), '/no/such/thing');
  assert.throws(() => findExecutable('kata-no-such-program', '/bin:/usr/bin'), {
    code: 'not-found',
    message: 'kata-no-such-program is needed, none of /bin:/usr/bin holds it',
  });
});
