// Starts that cannot succeed: one line says what was expected, what was found and what to do, and nothing is left.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { KataError } from '../../src/errors/kata-error.ts';
import { Containerd, footprint, IMAGE } from '../harness/containerd.ts';
import { busyboxRoot, connectTo, DirectShim, makeBundle, type SpecEdit } from '../harness/direct-shim.ts';
import { leavesNothing } from '../harness/leaves-nothing.ts';
import { privateRun } from '../harness/private-run.ts';
import { testConfig } from '../harness/test-config.ts';

const LIMIT = { timeout: 120_000 };
let folder: string;

before(() => {
  privateRun();
  folder = fs.mkdtempSync(path.join(tmpdir(), 'kata-ts-failures-'));
});
after(async () => {
  await DirectShim.endAll();
  fs.rmSync(folder, { recursive: true, force: true });
});

describe('ctr run with something missing', () => {
  let containerd: Containerd;
  let clean: ReturnType<typeof footprint>;
  let count = 0;

  before(async () => {
    clean = footprint();
    containerd = await Containerd.start('1.6');
  }, LIMIT);
  after(() => containerd.stop(), LIMIT);

  /** Runs a container with this configuration; the one line that ctr prints about why it cannot. */
  async function failure(changes: Record<string, string>, command = ['true'], flags: string[] = []): Promise<string> {
    const id = `fails-${++count}`;
    const config = testConfig(folder, changes);
    const { status, stderr } = await containerd.run([
      '--rm',
      '--runtime-config-path',
      config,
      ...flags,
      IMAGE,
      id,
      ...command,
    ]);
    assert.notEqual(status, 0);
    await leavesNothing(clean);
    assert.ok(!fs.existsSync(containerd.bundle(id)), 'the bundle is left');
    return stderr.trim();
  }
  const oneLine = (text: string) => assert.equal(text.split('\n').length, 1, text);

  it('says where QEMU was expected and how to get it', LIMIT, async () => {
    const said = await failure({ path: '"/nowhere/qemu-system-x86_64"' });
    oneLine(said);
    assert.match(
      said,
      /QEMU is expected at \/nowhere\/qemu-system-x86_64, no program is there.*apt install qemu-system-x86/,
    );
  });

  it('says which guest kernel is missing, and which key names it', LIMIT, async () => {
    const said = await failure({ kernel: '"/nowhere/vmlinux"' });
    oneLine(said);
    assert.match(said, /kernel is expected at \/nowhere\/vmlinux.*set kernel in \[hypervisor\.qemu\]/);
  });

  it('says which initrd is missing, and which key names it', LIMIT, async () => {
    const said = await failure({ initrd: '"/nowhere/initrd"' });
    oneLine(said);
    assert.match(said, /initrd is expected at \/nowhere\/initrd.*set initrd in \[hypervisor\.qemu\]/);
  });

  it('passes on what a QEMU says that does not start', LIMIT, async () => {
    const broken = path.join(folder, 'qemu-broken');
    fs.writeFileSync(broken, '#!/bin/sh\necho "cannot open shared object file" >&2\nexit 127\n', { mode: 0o755 });
    assert.match(await failure({ path: `"${broken}"` }), /QEMU is expected to start.*cannot open shared object file/);
  });

  it('says that a QEMU is no program', LIMIT, async () => {
    const text = path.join(folder, 'qemu-text');
    fs.writeFileSync(text, 'hello\n', { mode: 0o755 });
    assert.match(await failure({ path: `"${text}"` }), /qemu-text.*ENOEXEC/);
  });

  it('says that the disk of the images is full, and which key moves them', LIMIT, async () => {
    // Its name must not look like something that a container left.
    const disk = fs.mkdtempSync(path.join(tmpdir(), 'tiny-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tiny', disk]);
    try {
      const said = await failure({ rootfs_cache_dir: `"${disk}/cache"` });
      oneLine(said);
      assert.match(said, /there is no room for the image .*MiB are needed.*rootfs_cache_dir/);
      assert.deepEqual(
        fs.readdirSync(`${disk}/cache`).filter((name) => name.endsWith('.tmp')),
        [],
      );
    } finally {
      execFileSync('umount', [disk]);
      fs.rmdirSync(disk);
    }
  });

  it('says that the memory is too small for a guest, and in which line that stands', LIMIT, async () => {
    const said = await failure({ default_memory: '40' });
    oneLine(said);
    assert.match(said, /configuration\.toml:\d+: default_memory .*from 256 to \d+, found 40/);
  });

  it('says that a configuration is not there, or cannot be read', LIMIT, async () => {
    const missing = await containerd.run([
      '--rm',
      '--runtime-config-path',
      '/nowhere.toml',
      IMAGE,
      'no-config',
      'true',
    ]);
    assert.match(missing.stderr, /\/nowhere\.toml/);
    const bad = path.join(folder, 'bad.toml');
    fs.writeFileSync(bad, '[hypervisor.qemu\n');
    const unreadable = await containerd.run(['--rm', '--runtime-config-path', bad, IMAGE, 'bad-config', 'true']);
    assert.match(unreadable.stderr, /bad\.toml.*line 1|bad\.toml:1/s);
    await leavesNothing(clean);
  });

  it('tells of a guest that never answers with its last words, in the configured time', LIMIT, async () => {
    const start = performance.now();
    const said = await failure({ kernel_params: '"rdinit=/nothing panic=0"', dial_timeout: '6' });
    const tookMs = performance.now() - start;
    assert.match(said, /expected to come up within 6000 ms/);
    assert.match(said, /Kernel panic - not syncing|No working init|rdinit/);
    assert.match(said, /console's last lines/);
    assert.ok(tookMs > 6000 && tookMs < 12_000, `it took ${tookMs} ms`);
  });

  it('says which program the image lacks, and keeps nothing of the VM', LIMIT, async () => {
    const said = await failure({}, ['no-such-program']);
    assert.match(said, /no-such-program/);
    assert.match(said, /not found|ENOENT|no such file|none of/i);
  });
});

describe('a shim asked for what it cannot do', () => {
  let root: string;
  let clean: ReturnType<typeof footprint>;
  before(async () => {
    root = await busyboxRoot(folder);
    clean = footprint();
  }, LIMIT);

  const failing = async (shim: DirectShim, bundle: string, configPath?: string) => {
    try {
      await shim.create(bundle, configPath === undefined ? {} : { configPath });
    } catch (error) {
      return KataError.from(error);
    }
    throw new assert.AssertionError({ message: 'create is expected to fail' });
  };

  it('names the field of the spec that it cannot serve, boots nothing, and lives on', LIMIT, async () => {
    const shim = await DirectShim.start(makeBundle(folder, 'fields', root, ['true']));
    const before = shim.descriptors();
    const cases: [string, SpecEdit, RegExp][] = [
      ['no-process', (spec) => delete spec.process, /process/],
      ['no-args', (spec) => (spec.process.args = []), /process\.args/],
      ['bad-cwd', (spec) => (spec.process.cwd = 'relative'), /process\.cwd/],
      [
        'seccomp-arch',
        (spec) => (spec.linux.seccomp = { defaultAction: 'SCMP_ACT_FLY' }),
        /seccomp\.defaultAction.*SCMP_ACT_FLY/,
      ],
      ['rdt', (spec) => (spec.linux.intelRdt = { closID: 'x' }), /linux\.intelRdt/],
      ['type', (spec) => (spec.mounts = 'none'), /mounts/],
      ['namespace', (spec) => spec.linux.namespaces.push({ type: 'fish' }), /namespaces.*fish/],
    ];
    for (const [name, edit, expected] of cases) {
      const { message, code } = await failing(shim, makeBundle(folder, `field-${name}`, root, ['true'], edit));
      assert.match(message, expected, name);
      assert.ok(['invalid-argument', 'unimplemented'].includes(code), `${name}: ${code}`);
    }
    fs.mkdirSync(path.join(folder, 'no-json'));
    assert.equal((await failing(shim, path.join(folder, 'no-json'))).code, 'not-found');
    fs.writeFileSync(path.join(folder, 'no-json/config.json'), '{"process": ');
    assert.match((await failing(shim, path.join(folder, 'no-json'))).message, /config\.json/);
    assert.deepEqual(shim.descriptors(), before);
    await shim.end();
    await leavesNothing(clean);
  });

  it('refuses ids that would lead to other folders', LIMIT, async () => {
    const bundle = makeBundle(folder, 'ids', root, ['true']);
    const shim = await DirectShim.start(bundle);
    for (const id of ['..', '../../etc', 'a/b', '', '.hidden'])
      await assert.rejects(shim.task.create({ id, bundle }), { code: 'invalid-argument' }, JSON.stringify(id));
    await shim.end();
    fs.mkdirSync('/run/kata/precious');
    const program = path.resolve('dist/bin/containerd-shim-kata-v2');
    for (const id of ['..', '.', '', 'precious/../precious'])
      assert.throws(() =>
        execFileSync(program, ['-namespace', 'n', '-id', id, '-bundle', bundle, 'delete'], { stdio: 'pipe' }),
      );
    assert.ok(fs.existsSync('/run/kata/precious'));
    fs.rmdirSync('/run/kata/precious');
  });

  it('serves, with standard descriptors of its own, although it was started without any', LIMIT, async () => {
    const bundle = makeBundle(folder, 'without', root, ['true']);
    const program = path.resolve('dist/bin/containerd-shim-kata-v2');
    const command = `exec ${program} -namespace direct -address '' -publish-binary '' -id without -bundle ${bundle} start 0<&- 2>&-`;
    const socketPath = execFileSync('sh', ['-c', command]).toString().replace('unix://', '');
    const pid = fs.readFileSync(path.join(bundle, 'shim.pid'), 'utf8');
    for (const fd of [0, 1, 2]) assert.equal(fs.readlinkSync(`/proc/${pid}/fd/${fd}`), '/dev/null');
    (await connectTo(socketPath)).destroy();
    process.kill(Number(pid), 'SIGTERM');
    await leavesNothing(clean);
  });

  it(
    'holds no more descriptors after twenty failed creations than before, and then runs a container',
    LIMIT,
    async () => {
      const shim = await DirectShim.start(makeBundle(folder, 'long-lived', root, ['sh', '-c', 'exit 3']));
      const noKernel = testConfig(folder, { kernel: '"/nowhere"' });
      const noQemu = testConfig(folder, { path: '"/bin/false"' });
      const cache = path.join(folder, 'cache');
      const noRoom = testConfig(folder, { rootfs_cache_dir: '"/proc/nowhere"' });
      await failing(shim, shim.bundle, noKernel);
      const before = shim.descriptors();
      for (let round = 0; round < 7; round++)
        for (const config of [noKernel, noQemu, noRoom]) await failing(shim, shim.bundle, config);
      assert.deepEqual(shim.descriptors(), before);
      assert.deepEqual(fs.readdirSync('/run/kata'), []);
      await shim.create(shim.bundle, {
        configPath: testConfig(folder, { rootfs_cache_dir: `"${cache}"`, default_memory: '256' }),
      });
      await shim.task.start({ id: shim.id });
      assert.equal((await shim.task.wait({ id: shim.id })).exitStatus, 3);
      await shim.task.delete({ id: shim.id });
      assert.deepEqual(shim.descriptors(), before);
      await shim.end();
      await leavesNothing(clean);
      assert.deepEqual(
        fs.readdirSync(cache).filter((name) => name.endsWith('.tmp')),
        [],
      );
    },
  );
});
