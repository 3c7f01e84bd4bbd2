// Disks of the host as volumes: raw and with a file system, to read and to write, shared by containers of one VM.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { busyboxRoot, DirectShim, makeBundle, type SpecEdit } from '../harness/direct-shim.ts';
import { coverState, kata, traces } from '../harness/kata-runtime.ts';
import { testConfig } from '../harness/test-config.ts';

const LIMIT = { timeout: 120_000 };
const MIB = 2 ** 20;
/** No power of two, so that a size that is right is no accident. */
const SIZE = 37 * MIB + 4096;

describe('a disk of the host', () => {
  let folder: string;
  let root: string;
  let configPath: string;
  let uncover: () => void;
  const loops: string[] = [];
  let count = 0;

  before(async () => {
    uncover = coverState();
    folder = fs.mkdtempSync(path.join(tmpdir(), 'kata-ts-volumes-'));
    root = await busyboxRoot(folder);
    configPath = testConfig(folder, { default_memory: '256', template_path: '"/run/volume-templates"' });
  }, LIMIT);
  afterEach(async () => {
    await DirectShim.endAll();
    for (const loop of loops.splice(0)) execFileSync('losetup', ['--detach', loop]);
    assert.deepEqual(traces(), [], 'something was left behind');
  });
  after(() => {
    uncover();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  /** A disk of `SIZE` bytes, with an ext4 file system on request; its node, its numbers and the file behind it. */
  function disk(fsType?: 'ext4') {
    const file = path.join(folder, `disk-${++count}`);
    fs.writeFileSync(file, '');
    fs.truncateSync(file, SIZE);
    if (fsType) execFileSync('mkfs.ext4', ['-q', file]);
    const node = execFileSync('losetup', ['--find', '--show', file], { encoding: 'utf8' }).trim();
    loops.push(node);
    const { rdev } = fs.statSync(node);
    return { file, node, major: (rdev >> 8) & 0xfff, minor: rdev & 0xff };
  }
  type Disk = ReturnType<typeof disk>;

  const raw =
    ({ major, minor }: Disk, access = 'rwm'): SpecEdit =>
    (spec) => {
      spec.linux.devices = [
        ...(spec.linux.devices ?? []),
        { path: '/dev/volume', type: 'b', major, minor, fileMode: 0o660 },
      ];
      spec.linux.resources.devices = [
        ...(spec.linux.resources.devices ?? [{ allow: false, access: 'rwm' }]),
        { allow: true, type: 'b', major, minor, access },
      ];
    };
  const mounted =
    ({ node }: Disk, type: string, options: string[]): SpecEdit =>
    (spec) => {
      spec.mounts.push({ destination: '/volume', source: node, type, options });
    };
  const bundle = (script: string, ...edits: SpecEdit[]) =>
    makeBundle(folder, `volume-${++count}`, root, ['sh', '-c', script], (spec) => {
      for (const edit of edits) edit(spec);
    });
  /** A container in a VM of its own. */
  async function once(script: string, ...edits: SpecEdit[]) {
    const shim = await DirectShim.start(bundle(script, ...edits));
    const ended = await shim.run(shim.bundle, configPath);
    await shim.end();
    return ended;
  }

  it(
    'is given as a device of its own size, and what is written is on it when the container has ended',
    LIMIT,
    async () => {
      const volume = disk();
      const { stdout, stderr } = await once(
        'blockdev --getsize64 /dev/volume; echo "kept by the host" | dd of=/dev/volume bs=4096 seek=9000 conv=notrunc; ls -l /dev/volume',
        raw(volume),
      );
      assert.match(stdout, new RegExp(`^${SIZE}\nbrw-rw----`), stderr);
      const fd = fs.openSync(volume.file, 'r');
      const bytes = Buffer.alloc(17);
      fs.readSync(fd, bytes, 0, 17, 9000 * 4096);
      fs.closeSync(fd);
      assert.equal(bytes.toString(), 'kept by the host\n');
    },
  );

  it('that may only be read cannot be written, by a rule and by itself', LIMIT, async () => {
    const volume = disk();
    fs.writeFileSync(volume.node, 'from the host\n');
    const script = 'head -c 14 /dev/volume; echo x > /dev/volume || echo refused';
    const { stdout } = await once(script, raw(volume, 'rm'));
    assert.equal(stdout, 'from the host\nrefused\n');
  });

  it('with a file system is mounted by the guest, and its files are there afterwards', LIMIT, async () => {
    const volume = disk('ext4');
    const write = await once(
      'echo text > /volume/file; mkdir /volume/folder; df /volume | tail -1',
      mounted(volume, 'ext4', ['rw']),
    );
    assert.match(write.stdout, / \/volume\n$/, write.stderr);
    assert.equal(
      execFileSync('debugfs', ['-R', 'cat /file', volume.file], { encoding: 'utf8', stdio: 'pipe' }),
      'text\n',
    );
    const read = await once('cat /volume/file; touch /volume/other || echo refused', mounted(volume, 'ext4', ['ro']));
    assert.equal(read.stdout, 'text\nrefused\n', read.stderr);
  });

  it('that is bound is the device itself', LIMIT, async () => {
    const volume = disk();
    const { stdout, stderr } = await once(
      'test -b /volume && blockdev --getsize64 /volume; echo bound > /volume; head -c 6 /volume',
      mounted(volume, 'bind', ['rbind', 'rw']),
    );
    assert.equal(stdout, `${SIZE}\nbound\n`, stderr);
    assert.equal(fs.readFileSync(volume.file).subarray(0, 6).toString(), 'bound\n');
  });

  it('that a storage plugin has named is mounted instead of the path that stands for it', LIMIT, async () => {
    const volume = disk('ext4');
    const volumePath = path.join(folder, 'kubelet', 'pvc-1', 'mount');
    fs.mkdirSync(volumePath, { recursive: true });
    fs.writeFileSync(path.join(volumePath, 'of-the-host'), '');
    const info = {
      'volume-type': 'block',
      device: volume.node,
      fstype: 'ext4',
      metadata: { fsGroup: '1234', fsGroupChangePolicy: 'Always' },
      options: ['noatime'],
    };
    const flags = ['--volume-path', volumePath];
    const added = await kata(['direct-volume', 'add', ...flags, '--mount-info', JSON.stringify(info)]);
    assert.equal(added.status, 0, added.stderr);
    const bound: SpecEdit = (spec) => {
      spec.mounts.push({ destination: '/volume', source: volumePath, type: 'bind', options: ['rbind', 'rw'] });
    };
    const script = 'ls /volume; grep " /volume " /proc/mounts; stat -c %g /volume; echo text > /volume/file';
    const { stdout, stderr } = await once(script, bound);
    assert.match(stdout, /^lost\+found\n\/dev\/vd\w \/volume ext4 rw,noatime .*\n1234\n$/, stderr);
    const kept = execFileSync('debugfs', ['-R', 'cat /file', volume.file], { encoding: 'utf8', stdio: 'pipe' });
    assert.equal(kept, 'text\n');
    const refused = await kata(['direct-volume', 'add', ...flags, '--mount-info', '{"volume-type":"block"}']);
    assert.match(refused.stderr, /device: expected a value, found nothing/);
    assert.equal((await kata(['direct-volume', 'remove', ...flags])).status, 0);
    assert.equal((await kata(['direct-volume', 'remove', ...flags])).status, 0);
    assert.equal((await once('ls /volume', bound)).stdout, 'of-the-host\n');
  });

  it(
    'is shared by containers of one VM, goes with the last of them, and the next one has its own size',
    LIMIT,
    async () => {
      const [first, second] = [disk(), disk()];
      fs.truncateSync(second.file, 2 * SIZE);
      execFileSync('losetup', ['--set-capacity', second.node]);
      const shim = await DirectShim.start(bundle('sleep 1000', raw(first)));
      await shim.create(shim.bundle, { configPath });
      await shim.task.start({ id: shim.id });
      await shim.run(bundle('echo shared > /dev/volume', raw(first)));
      assert.equal((await shim.run(bundle('head -c 7 /dev/volume', raw(first)))).stdout, 'shared\n');
      for (let round = 0; round < 3; round++) {
        const { stdout } = await shim.run(
          bundle('blockdev --getsize64 /dev/volume; head -c 3 /dev/volume | od -c | head -1', raw(second)),
        );
        assert.match(stdout, new RegExp(`^${2 * SIZE}\n0000000  \\\\0  \\\\0`));
      }
      await shim.run(bundle('echo second > /dev/volume', raw(second)));
      // Taken away, it was brought to where it belongs; the other one is still in use.
      assert.equal(fs.readFileSync(second.file).subarray(0, 7).toString(), 'second\n');
      assert.equal(fs.readFileSync(first.node).subarray(0, 7).toString(), 'shared\n');
      await shim.task.kill({ id: shim.id, signal: 9 });
      await shim.task.wait({ id: shim.id });
      await shim.task.delete({ id: shim.id });
      await shim.end();
    },
  );

  it('takes the place of one that is gone, with its own size and its own bytes', LIMIT, async () => {
    const [first, second] = [disk(), disk()];
    fs.truncateSync(second.file, 3 * SIZE);
    execFileSync('losetup', ['--set-capacity', second.node]);
    const shim = await DirectShim.start(bundle('sleep 1000'));
    await shim.create(shim.bundle, { configPath });
    await shim.task.start({ id: shim.id });
    for (const [name, volume, size] of [
      ['a', first, SIZE],
      ['b', second, 3 * SIZE],
      ['c', first, SIZE],
    ] as const) {
      const script = `head -c 2 /dev/volume; echo ${name} > /dev/volume; blockdev --getsize64 /dev/volume; ls /dev/volume /sys/block`;
      const { stdout, stderr } = await shim.run(bundle(script, raw(volume)));
      assert.match(stdout, new RegExp(`^${name === 'c' ? 'a\n' : '\\x00\\x00'}${size}\n`), stderr);
      // No disk was plugged in.
      assert.doesNotMatch(stdout, /sda/);
      assert.equal(fs.readFileSync(volume.file).subarray(0, 2).toString(), `${name}\n`);
    }
    await shim.task.kill({ id: shim.id, signal: 9 });
    await shim.task.wait({ id: shim.id });
    await shim.task.delete({ id: shim.id });
    await shim.end();
  });

  it('that is not there is told, with where it was asked for', LIMIT, async () => {
    const shim = await DirectShim.start(bundle('true', raw({ file: '', node: '', major: 8, minor: 240 })));
    await assert.rejects(
      shim.create(shim.bundle, { configPath }),
      /block device 8:240 is expected, this host has none/,
    );
    await shim.end();
  });
});
