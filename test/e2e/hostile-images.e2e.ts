// Images made to lead astray whoever unpacks or mounts them. A container of one runs or fails cleanly; the guest around it
// and the host stay as they are. All in one VM.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { KataError } from '../../src/errors/kata-error.ts';
import { Containerd, footprint } from '../harness/containerd.ts';
import { busyboxRoot, DirectShim, makeBundle, type SpecEdit } from '../harness/direct-shim.ts';
import { leavesNothing } from '../harness/leaves-nothing.ts';
import { privateRun } from '../harness/private-run.ts';
import { testConfig } from '../harness/test-config.ts';

const LIMIT = { timeout: 120_000 };

/** Everything of a tree that an image holds, but for what is mounted over it and for times of folders. Runs inside the root. */
const INVENTORY =
  'cd / && find . -xdev \\( -path ./proc -o -path ./sys -o -path ./dev -o -path ./run \\) -prune -o ! -type d -exec stat -c "%N|%a|%u|%g|%s|%h|%Y|%F|%t|%T" {} + | sort; ' +
  'find . -xdev \\( -path ./proc -o -path ./sys -o -path ./dev -o -path ./run \\) -prune -o -type f -size -4000k -exec md5sum {} + | sort';

describe('images that are hostile', () => {
  let folder: string;
  let busybox: string;
  let clean: ReturnType<typeof footprint>;
  let shim: DirectShim;
  let guestBefore: string;
  let hostBefore: string;
  let count = 0;

  /** A copy of the busybox root, changed. */
  const rootWith = (change: (root: string) => void): string => {
    const root = path.join(folder, `root-${++count}`);
    execFileSync('cp', ['-a', busybox, root]);
    change(root);
    return root;
  };
  const runIn = (root: string, script: string, edit?: SpecEdit) =>
    shim.run(makeBundle(folder, `hostile-${++count}`, root, ['sh', '-c', script], edit));
  /** Runs it, or says with which error it was refused. */
  const attempt = async (root: string, script: string, edit?: SpecEdit): Promise<string> => {
    try {
      const { stdout, stderr } = await runIn(root, script, edit);
      return `${stdout}${stderr}`;
    } catch (error) {
      const { code, message } = KataError.from(error);
      assert.notEqual(code, 'unavailable', message);
      return `refused: ${message}`;
    }
  };
  /** What a plain container sees: none of what came before may have reached it. */
  const guest = async (): Promise<string> => {
    const script =
      'cut -d" " -f1-4 /proc/mounts | sed "s/[a-z]*=[^ ]*hostile-[^ ]*//g" | sort; find / -xdev | sort; md5sum /etc/*';
    return (await runIn(busybox, script)).stdout;
  };
  const host = () =>
    execFileSync('sh', [
      '-c',
      'ls -lan / /etc | grep -vE " (tmp|proc|run|\\.+)$"; cat /etc/passwd /etc/hostname',
    ]).toString('latin1');

  before(async () => {
    privateRun();
    folder = fs.mkdtempSync(path.join(tmpdir(), 'kata-ts-hostile-'));
    clean = footprint();
    busybox = await busyboxRoot(folder);
    shim = await DirectShim.start(makeBundle(folder, 'witness', busybox, ['sleep', '1000']));
    await shim.create(shim.bundle, { configPath: testConfig(folder, { default_memory: '512' }) });
    await shim.task.start({ id: shim.id });
    guestBefore = await guest();
    hostBefore = host();
  }, LIMIT);
  after(async () => {
    await DirectShim.endAll();
    execFileSync('rm', ['-rf', folder]);
  });

  const replace = (root: string, name: string, target: string) => {
    fs.rmSync(path.join(root, name), { recursive: true, force: true });
    fs.symlinkSync(target, path.join(root, name));
  };

  for (const [name, target] of [
    ['etc', '/../../../../etc'],
    ['etc', '../../../../../../etc'],
    ['proc', '/etc'],
    ['proc', '../../../../proc'],
    ['dev', '/run'],
    ['dev', '/../../../../dev'],
    ['sys', '/proc'],
    ['tmp', '/../../../../../../'],
    ['run', '/../../run'],
  ] as const)
    it(`/${name} as a symlink to ${target}`, LIMIT, async () => {
      const root = rootWith((path) => replace(path, name, target));
      const said = await attempt(root, `echo ran; touch /${name}/planted; mount | head -20; ls -la /${name}/`);
      assert.match(said, /^ran\n|^refused: /);
      assert.equal((await shim.task.state({ id: shim.id })).status, 2);
    });

  it('mount targets that are symlinks out of the root', LIMIT, async () => {
    const given = path.join(folder, 'given');
    fs.writeFileSync(given, 'given by the host\n');
    const bind =
      (destination: string): SpecEdit =>
      (spec) =>
        spec.mounts.push({ destination, type: 'bind', source: given, options: ['rbind', 'ro'] });
    const root = rootWith((path) => {
      fs.mkdirSync(`${path}/etc`, { recursive: true });
      replace(path, 'etc/resolv.conf', '/../../../../../../etc/hostname');
      replace(path, 'etc/hosts', '../../../../init');
      replace(path, 'deep', '/proc/self/root/../..');
    });
    for (const target of ['/etc/resolv.conf', '/etc/hosts', '/deep/x', '/proc/../etc/hosts', '/new/folder/file']) {
      const said = await attempt(root, `cat ${target}`, bind(target));
      assert.match(said, /^given by the host\n$|^refused: /, target);
    }
  });

  it('a working directory and a program that are symlinks out of the root', LIMIT, async () => {
    const root = rootWith((path) => {
      fs.symlinkSync('/../../../../proc/1/root', `${path}/out`);
      fs.symlinkSync('../../../../../../init', `${path}/bin/agent`);
    });
    const said = await attempt(root, 'pwd; ls', (spec) => (spec.process.cwd = '/out'));
    assert.doesNotMatch(said, /^init$/m);
    assert.match(await attempt(root, '', (spec) => (spec.process.args = ['agent'])), /refused: .*agent/);
  });

  it('tells the truth of mounts although the image brings an /etc/mtab of its own', LIMIT, async () => {
    const lie = '/dev/sda1 / ext4 rw 0 0\n';
    const root = rootWith((path) => {
      fs.mkdirSync(`${path}/etc`, { recursive: true });
      fs.rmSync(`${path}/etc/mtab`, { force: true });
      fs.writeFileSync(`${path}/etc/mtab`, lie);
    });
    for (const readonly of [false, true]) {
      const script = 'df / | tail -1; mount | head -1; cmp /etc/mtab /proc/self/mounts && echo same';
      const { stdout, stderr } = await runIn(root, script, (spec) => (spec.root.readonly = readonly));
      assert.doesNotMatch(stdout, /sda1/, stderr);
      assert.match(stdout, /overlay/, stderr);
      assert.match(stdout, /same/, stderr);
    }
    assert.equal(fs.readFileSync(`${root}/etc/mtab`, 'utf8'), lie);
  });

  it('an /etc/mtab that is a folder, a symlink out of the root, a device', LIMIT, async () => {
    for (const change of [
      (path: string) => fs.mkdirSync(`${path}/etc/mtab`),
      (path: string) => fs.symlinkSync('/../../../../../init', `${path}/etc/mtab`),
      (path: string) => execFileSync('mknod', [`${path}/etc/mtab`, 'c', '1', '3']),
      (path: string) => execFileSync('mkfifo', [`${path}/etc/mtab`]),
    ]) {
      const root = rootWith((path) => {
        fs.mkdirSync(`${path}/etc`, { recursive: true });
        fs.rmSync(`${path}/etc/mtab`, { force: true });
        change(path);
      });
      assert.match(await attempt(root, 'echo ran'), /^ran\n/);
    }
  });

  it(
    'every kind of file comes out as it went in: names of any bytes, links, holes, deep folders, modes, owners, times',
    LIMIT,
    async () => {
      const root = rootWith((path) => {
        const odd = Buffer.concat([
          Buffer.from(`${path}/odd/`),
          Buffer.from([0xff, 0xfe, 0x0a, 0x20, 0x27, 0x22, 0x5c]),
        ]);
        fs.mkdirSync(`${path}/odd`);
        fs.writeFileSync(odd, 'odd');
        fs.writeFileSync(`${path}/odd/-rf`, 'dash');
        fs.writeFileSync(`${path}/odd/${'n'.repeat(254)}`, 'long');
        fs.writeFileSync(`${path}/odd/empty`, '');
        fs.writeFileSync(`${path}/odd/setuid`, 'x', { mode: 0o755 });
        fs.chmodSync(`${path}/odd/setuid`, 0o6755);
        fs.writeFileSync(`${path}/odd/owned`, 'x');
        fs.chownSync(`${path}/odd/owned`, 4_000_000_000, 65534);
        fs.utimesSync(`${path}/odd/owned`, 1, 86_400);
        fs.writeFileSync(`${path}/odd/hard-1`, 'hard');
        fs.linkSync(`${path}/odd/hard-1`, `${path}/odd/hard-2`);
        fs.linkSync(`${path}/odd/hard-1`, `${path}/hard-3`);
        fs.symlinkSync('x'.repeat(4000), `${path}/odd/long-link`);
        fs.symlinkSync('loop', `${path}/odd/loop`);
        execFileSync('mkfifo', [`${path}/odd/fifo`]);
        execFileSync('mknod', [`${path}/odd/null`, 'c', '1', '3']);
        // The disk in the guest's first slot: virtio-blk has the first of the majors that the kernel gives out by itself.
        execFileSync('mknod', [`${path}/odd/disk`, 'b', '254', '0']);
        execFileSync('truncate', ['-s', '200M', `${path}/odd/sparse`]);
        fs.writeFileSync(`${path}/odd/binary`, createHash('sha512').update('seed').digest());
        let deep = `${path}/deep`;
        for (let level = 0; level < 200; level++) deep += `/level-${level}`.slice(0, 9);
        fs.mkdirSync(deep, { recursive: true });
        fs.writeFileSync(`${deep}/bottom`, 'reached');
        for (let index = 0; index < 3000; index++) fs.writeFileSync(`${path}/odd/many-${index}`, '');
      });
      const expected = execFileSync('chroot', [root, '/bin/sh', '-c', INVENTORY], { maxBuffer: 64 << 20 }).toString(
        'latin1',
      );
      const { stdout, stderr } = await runIn(root, INVENTORY);
      const [found, wanted] = [stdout.split('\n'), expected.split('\n')];
      const missing = wanted.filter((line) => !found.includes(line)).slice(0, 5);
      const more = found.filter((line) => !wanted.includes(line)).slice(0, 5);
      assert.deepEqual({ missing, more }, { missing: [], more: [] }, stderr);
      assert.match(stdout, /bottom/);
      // A device that an image brings is a name, and opens nothing.
      const devices = await runIn(root, 'cat /odd/disk | wc -c; echo; head -c 10 /odd/sparse | od -An -tx1');
      assert.match(devices.stdout, /^0\n\n(?: 00){10}\n$/);
      assert.match(devices.stderr, /disk'?: Operation not permitted/);
      // Unless the container is a privileged one.
      const privileged = await runIn(root, 'head -c 10 /odd/disk | wc -c', (spec) => {
        spec.linux.resources = { devices: [{ allow: true, access: 'rwm' }] };
      });
      assert.equal(privileged.stdout, '10\n', privileged.stderr);
    },
  );

  it('a root without anything, and one whose program is no program', LIMIT, async () => {
    const empty = path.join(folder, 'empty');
    fs.mkdirSync(empty);
    assert.match(await attempt(empty, 'true'), /refused: .*sh/);
    const text = rootWith((path) => fs.writeFileSync(`${path}/bin/text`, 'neither\n', { mode: 0o755 }));
    assert.match(
      await attempt(text, '', (spec) => (spec.process.args = ['text'])),
      /refused: .*ENOEXEC|refused: .*text/,
    );
    assert.match(await attempt(path.join(folder, 'not-there'), 'true'), /refused: .*not-there, nothing is there/);
    const file = path.join(folder, 'given');
    assert.match(await attempt(file, 'true'), /refused: .*given.* it is none/);
  });

  it('has changed neither the guest nor the host by all that', LIMIT, async () => {
    assert.equal(await guest(), guestBefore);
    assert.equal(host(), hostBefore);
    await shim.task.kill({ id: shim.id, signal: 9 });
    await shim.task.wait({ id: shim.id });
    await shim.task.delete({ id: shim.id });
    await shim.end();
    await leavesNothing(clean);
  });

  it(
    'runs an image of layers whose whiteouts, links and folders contradict each other, as containerd unpacks it',
    LIMIT,
    async () => {
      const layout = path.join(folder, 'layout');
      const blobs = path.join(layout, 'blobs/sha256');
      fs.mkdirSync(blobs, { recursive: true });
      const blob = (bytes: Buffer) => {
        const hex = createHash('sha256').update(bytes).digest('hex');
        fs.writeFileSync(path.join(blobs, hex), bytes);
        return { digest: `sha256:${hex}`, size: bytes.length };
      };
      const layerOf = (source: string) =>
        blob(execFileSync('tar', ['-C', source, '-cf', '-', '.'], { maxBuffer: 256 << 20 }));
      const first = rootWith((root) => {
        fs.mkdirSync(`${root}/both`);
        fs.writeFileSync(`${root}/both/gone`, 'lower');
        fs.writeFileSync(`${root}/both/stays`, 'lower');
        fs.mkdirSync(`${root}/opaque/inner`, { recursive: true });
        fs.writeFileSync(`${root}/opaque/inner/old`, 'lower');
        fs.writeFileSync(`${root}/turns`, 'a file');
        fs.writeFileSync(`${root}/linked-1`, 'linked');
        fs.linkSync(`${root}/linked-1`, `${root}/linked-2`);
      });
      const second = path.join(folder, 'second');
      fs.mkdirSync(`${second}/both`, { recursive: true });
      fs.writeFileSync(`${second}/both/.wh.gone`, '');
      fs.writeFileSync(`${second}/both/.wh.never-there`, '');
      fs.mkdirSync(`${second}/opaque`);
      fs.writeFileSync(`${second}/opaque/.wh..wh..opq`, '');
      fs.writeFileSync(`${second}/opaque/new`, 'upper');
      fs.mkdirSync(`${second}/turns`);
      fs.writeFileSync(`${second}/turns/inside`, 'upper');
      const layers = [first, second].map(layerOf);
      const type = (kind: string) => `application/vnd.oci.image.${kind}`;
      const config = blob(
        Buffer.from(
          JSON.stringify({
            architecture: 'amd64',
            os: 'linux',
            config: { Cmd: ['sh'], Env: ['PATH=/bin:/sbin:/usr/bin'] },
            rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
          }),
        ),
      );
      const manifest = blob(
        Buffer.from(
          JSON.stringify({
            schemaVersion: 2,
            mediaType: type('manifest.v1+json'),
            config: { mediaType: type('config.v1+json'), ...config },
            layers: layers.map((layer) => ({ mediaType: type('layer.v1.tar'), ...layer })),
          }),
        ),
      );
      fs.writeFileSync(path.join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
      const annotations = { 'org.opencontainers.image.ref.name': 'latest' };
      const entry = { mediaType: type('manifest.v1+json'), ...manifest, annotations };
      fs.writeFileSync(path.join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
      const containerd = await Containerd.start('1.6');
      try {
        await containerd.importLayout(layout, 'docker.io/library/contradicting');
        const script = 'cd /; ls both opaque turns; cat linked-2; stat -c %h linked-1';
        const { stdout, stderr } = await containerd.run([
          ...['--rm', 'docker.io/library/contradicting:latest', 'contradicting', 'sh', '-c', script],
        ]);
        assert.equal(stdout, 'both:\nstays\n\nopaque:\nnew\n\nturns:\ninside\nlinked2\n', stderr);
        await leavesNothing(clean);
      } finally {
        await containerd.stop();
      }
    },
  );
});
