import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { KataError } from '../../errors/kata-error.ts';
import { listDirectory, makeDirectory } from '../../os/directory.ts';
import { close, writeSync } from '../../os/fd.ts';
import { exists } from '../../os/file.ts';
import { bindMount } from '../../os/mount.ts';
import { namespaceIdentity, namespacePath, newNamespace } from '../../os/namespace.ts';
import { SIGNAL } from '../../os/signal.ts';
import { sleep } from '../../os/timer.ts';
import { utf8Encode } from '../../os/utf8.ts';
import { Container } from './container.ts';
import {
  makeImage,
  mountOf,
  optionsOf,
  outcomeOf,
  processOf,
  removed,
  runContainer,
  type SpecChanges,
  shell,
  specOf,
  type TestImage,
} from './testing/test-container.ts';

let image: TestImage;
before(() => {
  image = makeImage();
});
after(() => image.dispose());

const created = (args: string[], changes: SpecChanges = {}): Promise<Container> =>
  Container.create(optionsOf(image, specOf(image, args, changes)));

/** A container that runs until its input ends. */
async function started(args: string[] = ['cat'], changes: SpecChanges = {}): Promise<Container> {
  const container = await created(args, changes);
  await container.start();
  return container;
}

test("a container prints, and its exit status is its program's", async () => {
  assert.deepEqual(await runContainer(image, ['sh', '-c', 'echo out; echo err >&2; exit 7']), {
    stdout: 'out\n',
    stderr: 'err\n',
    status: { code: 7, signal: 0 },
  });
});

test('a container is process 1 among its own, in its own root, with its own host name', async () => {
  const seen = await shell(image, 'echo $$; hostname; ls /; ls /proc | grep -c ^[0-9]', { hostname: 'box' });
  assert.equal(seen, '1\nbox\nbin\ndev\netc\nhome\nproc\nroot\nsys\ntmp\n3');
});

test('a created container has not run its program; a started one has', async () => {
  const container = await created(['sh', '-c', 'echo ran']);
  try {
    assert.equal(container.state, 'created');
    assert.equal(container.pids().length, 1);
    await container.start();
    assert.equal((await outcomeOf(container.init)).stdout, 'ran\n');
    assert.equal(container.state, 'stopped');
    await assert.rejects(container.start(), { code: 'failed-precondition' });
  } finally {
    await removed(container);
  }
});

test('what is written to its input arrives, and the end of the input too', async () => {
  const container = await started();
  writeSync(container.init.stdin, utf8Encode('typed\n'));
  container.init.closeStdin();
  assert.deepEqual(await outcomeOf(container.init), { stdout: 'typed\n', stderr: '', status: { code: 0, signal: 0 } });
  await removed(container);
});

test('a missing program is named as callers of runc expect, and the container ends', async () => {
  const container = await created(['no-such-program']);
  await assert.rejects(container.start(), (error: KataError) => {
    assert.equal(error.message, 'exec: "no-such-program": executable file not found in $PATH');
    assert.equal(error.code, 'not-found');
    return true;
  });
  assert.equal(container.state, 'stopped');
  await removed(container);
});

for (const [title, program, message] of [
  ['a missing path', '/no/such', 'exec: "/no/such": stat /no/such: no such file or directory'],
  ['a file that may not be executed', '/etc/passwd', 'exec: "/etc/passwd": permission denied'],
  ['a folder', '/etc', 'exec: "/etc": permission denied'],
] as const)
  test(`${title} is no program, and the error says so`, async () => {
    const container = await created([program]);
    await assert.rejects(container.start(), (error: KataError) => error.message === message);
    await removed(container);
  });

test('a further process runs in all namespaces of its container and sees its files', async () => {
  const container = await started(['sh', '-c', 'echo mine > /tmp/file; exec cat'], { hostname: 'inside' });
  try {
    await sleep(20);
    const line =
      'cat /tmp/file; hostname; ps | grep -c "[c]at$"; for p in 1 self; do for n in cgroup ipc mnt net pid uts; do readlink /proc/$p/ns/$n; done; done; exit 3';
    const exec = await container.exec({ execId: 'e1', process: processOf(['sh', '-c', line]) });
    const { stdout, stderr, status } = await outcomeOf(exec);
    assert.equal(stderr, '');
    assert.equal(status.code, 3);
    const [file, host, cats, ...namespaces] = stdout.trim().split('\n');
    assert.deepEqual([file, host, cats], ['mine', 'inside', '1']);
    const half = namespaces.length / 2;
    assert.deepEqual(namespaces.slice(0, half), namespaces.slice(half));
    container.forget('e1');
    assert.equal(container.processes.size, 1);
  } finally {
    await removed(container);
  }
});

test('a further process that cannot start is an error and leaves nothing', async () => {
  const container = await started();
  try {
    const before = listDirectory('/proc/self/fd').length;
    await assert.rejects(container.exec({ execId: 'e', process: processOf(['nope']) }), (error: KataError) =>
      error.message.includes('"nope": executable file not found'),
    );
    assert.deepEqual([...container.processes.keys()], ['']);
    assert.equal(container.pids().length, 1);
    assert.equal(listDirectory('/proc/self/fd').length, before);
  } finally {
    await removed(container);
  }
});

test('a signal ends a process, and the status tells which', async () => {
  const container = await started(['sleep', '1000']);
  const exec = await container.exec({ execId: 'e', process: processOf(['sleep', '1000']) });
  container.signal('e', SIGNAL.TERM);
  assert.deepEqual(await exec.exited, { code: 143, signal: 15 });
  assert.throws(() => container.signal('e', SIGNAL.TERM), { code: 'not-found' });
  container.signal('', SIGNAL.KILL);
  assert.deepEqual(await container.init.exited, { code: 137, signal: 9 });
  await removed(container);
});

test('a first process that handles SIGTERM gets it; one that does not is not waited for in vain', async () => {
  const handling = await started(['sh', '-c', 'trap "echo bye; exit 5" TERM; echo up; while :; do sleep 0.02; done']);
  const outcome = outcomeOf(handling.init);
  await sleep(50);
  handling.signal(handling.id, SIGNAL.TERM);
  assert.deepEqual(await outcome, { stdout: 'up\nbye\n', stderr: '', status: { code: 5, signal: 0 } });
  await removed(handling);
  const deaf = await started(['sleep', '1000']);
  deaf.signal('', SIGNAL.TERM);
  assert.deepEqual(await deaf.init.exited, { code: 137, signal: 9 });
  await removed(deaf);
});

test('a paused container stands still until it is resumed, and can be removed', async () => {
  const container = await started(['sh', '-c', 'while read line; do echo $line; done']);
  await container.pause();
  assert.equal(container.state, 'paused');
  writeSync(container.init.stdin, utf8Encode('one\n'));
  await assert.rejects(container.exec({ execId: 'e', process: processOf(['true']) }), { code: 'failed-precondition' });
  let answered = false;
  const buffer = outcomeOf(container.init).then((outcome) => {
    answered = true;
    return outcome;
  });
  await sleep(50);
  assert.equal(answered, false);
  await container.resume();
  container.init.closeStdin();
  assert.equal((await buffer).stdout, 'one\n');
  await removed(container);

  const frozen = await started();
  await frozen.pause();
  await removed(frozen);
});

test('the pids of a container are those that the guest counts, nested cgroups included', async () => {
  const container = await started(['sh', '-c', 'sleep 100 & exec cat']);
  await sleep(20);
  const pids = container.pids();
  assert.equal(pids.length, 2);
  assert.ok(pids.includes(container.init.pid));
  await removed(container);
});

test('containers of a pod can share a pid namespace, and each ends with all it started', async () => {
  const pause = await started(['sleep', '1000']);
  const pidFd = pause.openPidNamespace();
  const ipcFd = newNamespace('ipc');
  const utsFd = newNamespace('uts');
  const shared = { pidFd, ipcFd, utsFd };
  const spec = specOf(image, ['sh', '-c', 'sleep 999 & ps; read x']);
  const app = await Container.create({ ...optionsOf(image, spec), shared });
  try {
    await app.start();
    for (const [kind, fd] of Object.entries({ ipc: ipcFd, uts: utsFd }))
      assert.equal(namespaceIdentity(namespacePath(kind as 'ipc', app.init.pid)), namespaceIdentity(fd));
    await sleep(50);
    const exec = await app.exec({ execId: 'ps', process: processOf(['ps']) });
    const { stdout } = await outcomeOf(exec);
    assert.match(stdout, /^ *1 .*sleep 1000$/m);
    assert.match(stdout, /sleep 999$/m);
    app.signal('', SIGNAL.TERM);
    // No init of a namespace: the kernel lets the signal through.
    assert.deepEqual(await app.init.exited, { code: 143, signal: 15 });
    await sleep(50);
    assert.deepEqual(app.pids(), []);
    assert.equal(pause.state, 'running');
  } finally {
    await removed(app);
    await removed(pause);
    for (const fd of [pidFd, ipcFd, utsFd]) close(fd);
  }
});

test('create, start and remove over and over leave no descriptor, mount, process or cgroup', async () => {
  await runContainer(image, ['true']);
  const count = (): number[] => [
    listDirectory('/proc/self/fd').length,
    listDirectory('/proc').filter((name) => /^\d/.test(name)).length,
    listDirectory(image.cgroupRoot).filter((name) => name.startsWith('kata_')).length,
  ];
  const before = count();
  for (let i = 0; i < 20; i++) await runContainer(image, ['true']);
  assert.deepEqual(count(), before);
});

test('a container that fails on its way leaves nothing and says at which step', async () => {
  const before = listDirectory('/proc/self/fd').length;
  await assert.rejects(created(['true'], { mounts: [mountOf('/data', 'bind', '/no/such/source', 'bind')] }), {
    message: 'mount a bind of /no/such/source on /data: copy the mount /no/such/source: ENOENT',
  });
  await assert.rejects(created(['true'], { linux: { sysctl: { 'kernel.no_such_thing': '1' } } }), {
    message: 'set a sysctl: open /proc/sys/kernel/no_such_thing: ENOENT',
  });
  assert.equal(listDirectory('/proc/self/fd').length, before);
  assert.deepEqual(
    listDirectory(image.cgroupRoot).filter((name) => name.startsWith('kata_')),
    [],
  );
});

test('removing a container that was never started, twice, with a bundle that is mounted, leaves nothing', async () => {
  const bundle = `${image.folder}/bundle`;
  makeDirectory(bundle);
  makeDirectory(`${bundle}/rootfs`);
  bindMount(image.root, `${bundle}/rootfs`);
  const spec = specOf(image, ['true']);
  const container = await Container.create({ ...optionsOf(image, spec), bundle });
  assert.deepEqual(await container.remove(), []);
  assert.equal(exists(bundle), false);
  assert.equal(exists(`${image.root}/bin`), true);
  assert.deepEqual(await container.remove(), []);
});

test('removing goes on when the root was never mounted', async () => {
  const bundle = `${image.folder}/plain`;
  makeDirectory(bundle);
  makeDirectory(`${bundle}/rootfs`);
  const container = await Container.create({ ...optionsOf(image, specOf(image, ['true'])), bundle });
  assert.deepEqual(await container.remove(), []);
  assert.equal(exists(bundle), false);
});
