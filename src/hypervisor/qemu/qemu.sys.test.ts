import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { getenv } from 'std';
import { KataError } from '../../errors/kata-error.ts';
import { listDirectory, makeTemporaryDirectory, removeTree } from '../../os/directory.ts';
import { readlink, readText, writeFile } from '../../os/file.ts';
import { runChecked } from '../../os/process.ts';
import { SIGNAL, sendSignal } from '../../os/signal.ts';
import { monotonicMs, sleep, withTimeout } from '../../os/timer.ts';
import { utf8Encode } from '../../os/utf8.ts';
import type { MachineOptions } from '../hypervisor.ts';
import { DEFAULT_QEMU_CONFIG, type QemuConfig } from './config.ts';
import { Qemu } from './qemu.ts';
import { killSaved, startTimeOf } from './saved-process.ts';

const guest = getenv('KATA_TEST_GUEST') ?? 'dist/share/kata-containers';
const config: QemuConfig = DEFAULT_QEMU_CONFIG;
const machine: MachineOptions = {
  sandboxId: 'qemu-test',
  kernelPath: `${guest}/vmlinux.container`,
  initrdPath: `${guest}/kata-containers-initrd.img`,
  kernelParams: [],
  memoryMib: 256,
  vcpus: 1,
  maxMemoryMib: 256,
  maxVcpus: 1,
  memorySlots: 0,
};
const UP_MS = 60_000;
const timeout = 110_000;

/** What this process holds: its descriptors but the loop's own, and its children. */
const holdings = (): string[] => {
  const links = listDirectory('/proc/self/fd').map((fd) => {
    try {
      return readlink(`/proc/self/fd/${fd}`);
    } catch {
      return 'gone';
    }
  });
  return [
    ...links.filter((link) => !/eventpoll|^gone$|\/proc\/.*\/fd$/.test(link)).map((link) => link.replace(/\d+/, 'N')),
    ...readText(`/proc/self/task/${readlink('/proc/self')}/children`)
      .trim()
      .split(' '),
  ].sort();
};

const failure = async (promise: Promise<unknown>): Promise<KataError> => {
  try {
    await promise;
  } catch (error) {
    return KataError.from(error);
  }
  throw new Error('an error is expected, there was none');
};

describe('a VM of QEMU', () => {
  test('comes up, takes and gives back disks, is paused, and leaves nothing when stopped', { timeout }, async (t) => {
    const folder = makeTemporaryDirectory('/tmp/kata-qemu-test-');
    t.after(() => removeTree(folder));
    writeFile(`${folder}/image, with a comma`, new Uint8Array(1 << 20));
    const before = holdings();
    const lines: string[] = [];
    const vm = new Qemu(config, machine, { log: (line) => lines.push(line) });
    t.after(() => vm.stop());
    const start = monotonicMs();
    await vm.start();
    t.diagnostic(`took commands after ${(monotonicMs() - start).toFixed(0)} ms`);
    const agent = await vm.connectAgent(UP_MS);
    t.diagnostic(`guest up after ${(monotonicMs() - start).toFixed(0)} ms`);
    assert.equal(lines.length, 2);
    assert.match(lines[0]!, /KVM|TCG/);
    await agent.write(utf8Encode('\n'));

    const disk = { path: `${folder}/image, with a comma`, readOnly: true };
    assert.deepEqual(await vm.attachDisk({ ...disk, id: 'a'.repeat(64) }), { driver: 'blk', source: '10' });
    assert.deepEqual(await vm.attachDisk({ ...disk, id: 'b' }), { driver: 'blk', source: '11' });
    assert.equal((await failure(vm.attachDisk({ ...disk, id: 'b' }))).code, 'already-exists');
    assert.equal((await failure(vm.attachDisk({ ...disk, id: 'c', path: '/nowhere' }))).code, 'not-found');
    await vm.detachDisk('a'.repeat(64));
    await vm.detachDisk('unknown');
    assert.deepEqual(await vm.attachDisk({ ...disk, id: 'd', readOnly: false }), { driver: 'scsi', source: '0:0' });
    const open = listDirectory(`/proc/${vm.pid}/fd`).map((fd) => readlink(`/proc/${vm.pid}/fd/${fd}`));
    assert.equal(open.filter((path) => path === disk.path).length, 2);
    await vm.detachDisk('d');
    await vm.detachDisk('b');
    assert.ok(!listDirectory(`/proc/${vm.pid}/fd`).some((fd) => readlink(`/proc/${vm.pid}/fd/${fd}`) === disk.path));

    await vm.pause();
    await vm.resume();
    const pid = vm.pid;
    await Promise.all([vm.stop(), vm.stop()]);
    assert.deepEqual(await vm.exited, { code: 0, signal: 0 });
    assert.equal(startTimeOf(pid), null);
    assert.deepEqual(holdings(), before);
    assert.equal((await failure(vm.pause())).code, 'failed-precondition');
    assert.equal((await failure(vm.start())).code, 'failed-precondition');
  });

  test('takes block devices, to write to as well, and files by every way of reading', { timeout }, async (t) => {
    const folder = makeTemporaryDirectory('/tmp/kata-qemu-test-');
    t.after(() => removeTree(folder));
    writeFile(`${folder}/image`, new Uint8Array(1 << 20));
    const device = (await runChecked(['losetup', '--find', '--show', `${folder}/image`])).trim();
    t.after(() => runChecked(['losetup', '--detach', device]));
    const ways: Partial<QemuConfig>[] = [
      { blockDeviceAio: 'threads', enableIothreads: true },
      { blockDeviceAio: 'io_uring' },
      { blockDeviceAio: 'native' },
      { blockDeviceAio: 'native', blockDeviceCacheSet: true, blockDeviceCacheDirect: true },
    ];
    for (const way of ways) {
      const lines: string[] = [];
      const vm = new Qemu({ ...config, ...way }, machine, { log: (line) => lines.push(line) });
      t.after(() => vm.stop());
      await vm.start();
      for (const [id, path] of Object.entries({ file: `${folder}/image`, device }))
        for (const readOnly of [true, false]) {
          await vm.attachDisk({ id, path, readOnly });
          await vm.detachDisk(id);
        }
      // Native reading needs O_DIRECT: without it a second choice is made, and said.
      const second = way.blockDeviceAio === 'native' && way.blockDeviceCacheSet === undefined;
      if (way.blockDeviceAio !== 'io_uring')
        assert.equal(
          lines.some((line) => line.includes('use threads')),
          second,
        );
      await vm.stop();
    }
  });

  test('that is killed is known to be gone at once, and its agent is not waited for', { timeout }, async (t) => {
    const before = holdings();
    const vm = new Qemu(config, machine);
    t.after(() => vm.stop());
    await vm.start();
    const connecting = failure(vm.connectAgent(UP_MS));
    const saved = vm.savedProcess()!;
    assert.equal(await killSaved({ ...saved, startTime: `${saved.startTime}1` }), false);
    assert.equal(vm.pid, saved.pid);
    assert.ok(await killSaved(saved));
    const status = await withTimeout(vm.exited, 1000, 'the end of QEMU is not seen');
    assert.deepEqual(status, { code: 137, signal: SIGNAL.KILL });
    const error = await connecting;
    assert.equal(error.code, 'unavailable');
    assert.match(error.message, /QEMU was ended by signal 9/);
    assert.equal(await killSaved(saved), false);
    await vm.detachDisk('any');
    await vm.stop();
    assert.deepEqual(holdings(), before);
  });

  test('that ends while it is given a disk says how it ended', { timeout }, async (t) => {
    const vm = new Qemu(config, machine);
    t.after(() => vm.stop());
    await vm.start();
    sendSignal(vm.pid, SIGNAL.STOP);
    const attaching = failure(vm.attachDisk({ id: 'late', path: readlink('/proc/self/exe'), readOnly: true }));
    await sleep(50);
    sendSignal(vm.pid, SIGNAL.KILL);
    const error = await attaching;
    assert.equal(error.code, 'unavailable');
    assert.match(error.message, /the VM is expected to run, QEMU was ended by signal 9/);
  });

  test('grows as far as it has room, and says how far; one that ends meanwhile says how', { timeout }, async (t) => {
    const vm = new Qemu(config, { ...machine, maxMemoryMib: 768, maxVcpus: 2, memorySlots: 2 });
    t.after(() => vm.stop());
    await vm.start();
    await vm.connectAgent(UP_MS);
    assert.deepEqual(await vm.grow({ vcpus: 1, memoryMib: 256 }), { vcpus: 1, memoryMib: 256 });
    const start = monotonicMs();
    assert.deepEqual(await vm.grow({ vcpus: 2, memoryMib: 300 }), { vcpus: 2, memoryMib: 384 });
    t.diagnostic(`grew in ${(monotonicMs() - start).toFixed(0)} ms`);
    assert.deepEqual(await vm.grow({ vcpus: 1, memoryMib: 128 }), { vcpus: 2, memoryMib: 384 });
    assert.deepEqual(await vm.grow({ vcpus: 9, memoryMib: 500 }), { vcpus: 2, memoryMib: 512 });
    // Both slots are taken.
    assert.deepEqual(await vm.grow({ vcpus: 2, memoryMib: 768 }), { vcpus: 2, memoryMib: 512 });
    await vm.stop();

    const other = new Qemu(config, { ...machine, maxMemoryMib: 768, memorySlots: 2 });
    t.after(() => other.stop());
    await other.start();
    await other.connectAgent(UP_MS);
    sendSignal(other.pid, SIGNAL.STOP);
    const growing = failure(other.grow({ vcpus: 1, memoryMib: 512 }));
    await sleep(50);
    sendSignal(other.pid, SIGNAL.KILL);
    assert.match((await growing).message, /the VM is expected to run, QEMU was ended by signal 9/);
  });

  test('whose guest never answers is given up in time, with what its console said last', { timeout }, async (t) => {
    const vm = new Qemu(config, { ...machine, kernelParams: ['rdinit=/nothing', 'panic=0'] });
    t.after(() => vm.stop());
    await vm.start();
    const seen = failure(vm.connectAgent(10_000));
    const error = await seen;
    assert.equal(error.code, 'deadline-exceeded');
    assert.match(error.message, /within 10000 ms/);
    assert.match(error.message, /Kernel panic - not syncing/);
    assert.match(vm.consoleTail(5), /Kernel panic/);
  });

  test('whose guest panics is over as soon as it does', { timeout }, async (t) => {
    const vm = new Qemu(config, { ...machine, kernelParams: ['rdinit=/nothing'] });
    t.after(() => vm.stop());
    await vm.start();
    const error = await failure(vm.connectAgent(UP_MS));
    assert.equal(error.code, 'unavailable');
    assert.match(error.message, /Kernel panic - not syncing/);
  });

  for (const memoryMib of [8, 32, 64])
    test(`with ${memoryMib} MiB, which is too little, says so and how to change it`, { timeout }, async (t) => {
      const vm = new Qemu(config, { ...machine, memoryMib });
      t.after(() => vm.stop());
      const error = await failure(vm.start().then(() => vm.connectAgent(5000)));
      t.diagnostic(error.line);
      assert.match(error.message, new RegExp(`default_memory = ${memoryMib} MiB`));
      assert.match(error.hint ?? '', /raise default_memory/);
    });

  test('that is stopped while it starts leaves nothing', { timeout }, async () => {
    const before = holdings();
    for (const delayMs of [-1, 0, 1, 5, 20, 80]) {
      const vm = new Qemu(config, machine);
      const starting = vm.start().then(
        () => 'started',
        (error: unknown) => KataError.from(error).code,
      );
      if (delayMs >= 0) await sleep(delayMs);
      await vm.stop();
      assert.ok(['started', 'cancelled'].includes(await starting));
      await vm.exited;
    }
    assert.deepEqual(holdings(), before);
  });

  test('that cannot be started says what is missing and what to do', { timeout }, async (t) => {
    const folder = makeTemporaryDirectory('/tmp/kata-qemu-test-');
    t.after(() => removeTree(folder));
    const before = holdings();
    const startWith = (c: Partial<QemuConfig>, m: Partial<MachineOptions>) =>
      failure(new Qemu({ ...config, ...c }, { ...machine, ...m }).start());
    const noKernel = await startWith({}, { kernelPath: '/nowhere/vmlinux' });
    assert.equal(noKernel.code, 'not-found');
    assert.match(noKernel.line, /kernel is expected at \/nowhere\/vmlinux.*set kernel in/);
    assert.match(
      (await startWith({}, { initrdPath: '/tmp' })).line,
      /expected to be the guest's initrd, it is no file/,
    );
    const noQemu = await startWith({ path: '/nowhere/qemu' }, {});
    assert.equal(noQemu.code, 'not-found');
    assert.match(noQemu.line, /\/nowhere\/qemu.*apt install qemu-system-x86/);
    assert.match((await startWith({ path: 'qemu-none' }, {})).line, /qemu-none.*apt install/);
    assert.equal((await startWith({}, { memoryMib: 0 })).code, 'invalid-argument');
    assert.match((await startWith({ cpuFeatures: 'nonsense=on' }, {})).message, /QEMU said: .*nonsense/);

    const script = `${folder}/qemu`;
    writeFile(script, '#!/bin/sh\necho "QEMU emulator version 6.2.0 (Debian 1:6.2)"\nexit 1\n', 0o755);
    const old = await startWith({ path: script }, {});
    assert.match(old.message, /QEMU 7.2 or newer is expected, found 6.2.0/);

    writeFile(`${folder}/garbage`, '#!/bin/sh\necho garbage >&3 || exit 1\nexec sleep 100\n', 0o755);
    assert.match((await startWith({ path: `${folder}/garbage` }, {})).message, /it did not/);
    assert.deepEqual(holdings(), before);
  });

  test('of a QEMU without seccomp runs without a sandbox, and says so', { timeout }, async (t) => {
    const folder = makeTemporaryDirectory('/tmp/kata-qemu-test-');
    t.after(() => removeTree(folder));
    writeFile(
      `${folder}/qemu`,
      `#!/bin/sh
case " $* " in *" -sandbox "*) echo "qemu: -sandbox support is not enabled in this QEMU binary" >&2; exit 1;; esac
exec qemu-system-x86_64 "$@"
`,
      0o755,
    );
    const lines: string[] = [];
    const vm = new Qemu({ ...config, path: `${folder}/qemu` }, machine, { log: (line) => lines.push(line) });
    t.after(() => vm.stop());
    await vm.start();
    assert.ok(lines.some((line) => line.includes('without a seccomp sandbox')));
    await vm.stop();
    const strict = new Qemu({ ...config, path: `${folder}/qemu`, seccompSandbox: 'on' }, machine);
    assert.match((await failure(strict.start())).message, /-sandbox support is not enabled/);
  });
});
