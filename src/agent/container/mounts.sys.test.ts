import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makeDirectories } from '../../os/directory.ts';
import { chmod, chown, exists, readText, symlink, writeFile } from '../../os/file.ts';
import { MS, mount, setPropagation, umount } from '../../os/mount.ts';
import { Container } from './container.ts';
import {
  DEFAULT_MOUNTS,
  makeImage,
  mountOf,
  optionsOf,
  outcomeOf,
  processOf,
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

/** Mounts on top of the default ones. */
const more = (...mounts: ReturnType<typeof mountOf>[]): { mounts: typeof mounts } => ({
  mounts: [...DEFAULT_MOUNTS, ...mounts],
});

function folder(name: string): string {
  const path = `${image.folder}/${name}`;
  makeDirectories(path);
  return path;
}

test('a container has the mounts of its spec with their options, and nothing of the guest', async () => {
  const lines = (await shell(image, 'cat /proc/mounts')).split('\n');
  const seen = lines.map((line) => line.split(' ').slice(1, 4).join(' '));
  // Newer kernels list mounts in the order in which they were made, and some may have been made ahead.
  const [root, ...rest] = seen.sort((a, b) => Number(/^\/ /.test(b)) - Number(/^\/ /.test(a)));
  assert.match(root!, /^\/ \w+ rw/);
  const busybox = rest.findIndex((line) => line.startsWith('/bin/busybox '));
  assert.notEqual(busybox, -1);
  rest.splice(busybox, 1);
  assert.deepEqual(
    rest.map((line) => line.split(' ').slice(0, 2).join(' ')),
    ['/proc proc', '/dev tmpfs', '/dev/pts devpts', '/dev/shm tmpfs', '/dev/mqueue mqueue', '/sys sysfs'],
  );
  assert.match(rest[0]!, /rw,nosuid,nodev,noexec/);
  assert.match(rest[1]!, /rw,nosuid,size=65536k,mode=755/);
  assert.match(rest[2]!, /gid=5,mode=620,ptmxmode=666/);
  assert.match(rest[5]!, /^\/sys sysfs ro,nosuid,nodev,noexec/);
});

test('folders and files of the guest are bound, read-only where asked, and missing places are made', async () => {
  const source = folder('source');
  writeFile(`${source}/file`, 'content\n');
  const line = 'cat /a/b/c/file /x/one; touch /a/b/c/new && echo written; touch /ro/new; echo more >> /x/one; ls /ro';
  const seen = await shell(
    image,
    line,
    more(
      mountOf('/a/b/c', 'bind', source, 'rbind', 'rw'),
      mountOf('/ro', '', source, 'bind', 'ro', 'nosuid'),
      mountOf('/x/one', 'bind', `${source}/file`, 'bind', 'ro'),
    ),
  );
  assert.match(seen, /^content\ncontent\nwritten\nfile\nnew\n/);
  assert.match(seen, /touch: \/ro\/new: Read-only file system/);
  assert.match(seen, /can't create \/x\/one: Read-only file system/);
});

test('rbind brings along what is mounted below; ro protects the top alone, rro all of it', async () => {
  const source = folder('deep');
  makeDirectories(`${source}/inner`);
  mount('tmpfs', `${source}/inner`, 'tmpfs');
  try {
    writeFile(`${source}/inner/here`, '');
    const line = 'for d in /bind /rbind /ro /rro; do ls $d/inner; touch $d/inner/t 2>/dev/null && echo $d; done';
    const seen = await shell(
      image,
      line,
      more(
        mountOf('/bind', 'bind', source, 'bind'),
        mountOf('/rbind', 'bind', source, 'rbind'),
        mountOf('/ro', 'bind', source, 'rbind', 'ro'),
        mountOf('/rro', 'bind', source, 'rbind', 'rro'),
      ),
    );
    assert.equal(seen, '/bind\nhere\n/rbind\nhere\nt\n/ro\nhere\nt');
  } finally {
    umount(`${source}/inner`);
  }
});

test("a bind keeps its source's restrictions that the spec does not lift, and lifts those that it does", async () => {
  const source = folder('restricted');
  mount('tmpfs', source, 'tmpfs', MS.NOSUID | MS.NOEXEC);
  try {
    const line = 'for d in /kept /lifted; do grep " $d " /proc/mounts | cut -d" " -f4; done';
    const seen = await shell(
      image,
      line.replace('cut -d" " -f4', 'cat'),
      more(
        mountOf('/kept', 'bind', source, 'bind', 'nodev'),
        mountOf('/lifted', 'bind', source, 'bind', 'exec', 'suid'),
      ),
    );
    assert.match(seen, /\/kept tmpfs rw,nosuid,nodev,noexec/);
    assert.match(seen, /\/lifted tmpfs rw,relatime/);
  } finally {
    umount(source);
  }
});

test('mounts spread into a running container by rslave and out of it by rshared, not by rprivate', async () => {
  const source = folder('spreading');
  mount(source, source, '', MS.BIND);
  setPropagation(source, MS.SHARED);
  for (const name of ['in', 'out']) makeDirectories(`${source}/${name}`);
  const spec = specOf(image, ['cat'], {
    ...more(
      mountOf('/slave', 'bind', source, 'rbind', 'rslave'),
      mountOf('/shared', 'bind', source, 'rbind', 'rshared'),
      mountOf('/private', 'bind', source, 'rbind', 'rprivate'),
    ),
    linux: { rootfsPropagation: 'rshared' },
    process: { capabilities: undefined },
  });
  const all = ['CAP_SYS_ADMIN', 'CAP_DAC_OVERRIDE'];
  const capabilities = { bounding: all, effective: all, inheritable: [], permitted: all, ambient: [] };
  const container = await Container.create(optionsOf(image, spec));
  try {
    await container.start();
    mount('tmpfs', `${source}/in`, 'tmpfs');
    const line =
      'for d in /slave /shared /private; do grep -q " $d/in " /proc/mounts && echo $d; done; mount -t tmpfs t /shared/out';
    const exec = await container.exec({ execId: 'e', process: processOf(['sh', '-c', line], { capabilities }) });
    const { stdout, stderr } = await outcomeOf(exec);
    assert.equal(stderr, '');
    assert.equal(stdout, '/slave\n/shared\n');
    assert.match(readText('/proc/self/mountinfo'), / \/tmp\/kata-ts-container-\w+\/spreading\/out /);
  } finally {
    await removed(container);
    for (const path of [`${source}/out`, `${source}/in`, source]) umount(path, 2);
  }
});

test('a tmpfs keeps the mode of the folder it covers, and begins with its content by tmpcopyup', async () => {
  const covered = `${image.root}/var/data`;
  makeDirectories(`${covered}/sub`);
  writeFile(`${covered}/sub/file`, 'kept\n', 0o640);
  chown(`${covered}/sub/file`, 1000, 1001);
  writeFile(`${covered}/suid`, '', 0o755);
  chmod(`${covered}/suid`, 0o4755);
  symlink('sub/file', `${covered}/link`);
  chmod(covered, 0o751);
  const line = 'stat -c "%a %u" /var/data /var/data/*; cat /var/data/link; echo changed > /var/data/sub/file';
  const seen = await shell(image, line, more(mountOf('/var/data', 'tmpfs', 'tmpfs', 'tmpcopyup')));
  assert.equal(seen, '751 0\n777 0\n755 0\n4755 0\nkept');
  assert.equal(readText(`${covered}/sub/file`), 'kept\n');
  const empty = await shell(image, 'ls /var/data; stat -c %a /var/data', more(mountOf('/var/data', 'tmpfs', 'tmpfs')));
  assert.equal(empty, '751');
  const own = await shell(image, 'stat -c %a /var/data', more(mountOf('/var/data', 'tmpfs', 'tmpfs', 'mode=1770')));
  assert.equal(own, '1770');
});

test('a read-only tmpfs can hold further mounts and devices', async () => {
  const mounts = DEFAULT_MOUNTS.map((each) =>
    each.destination === '/dev' ? { ...each, options: [...each.options, 'ro'] } : each,
  );
  const seen = await shell(image, 'test -c /dev/null && echo null; echo x > /dev/null; touch /dev/x', { mounts });
  assert.equal(seen, 'null\nstderr: touch: /dev/x: Read-only file system');
});

test('an overlay can be mounted', async () => {
  for (const name of ['l', 'u', 'w']) folder(`ov/${name}`);
  writeFile(`${image.folder}/ov/l/low`, 'low\n');
  const dirs = ['l', 'u', 'w'].map((name) => `${image.folder}/ov/${name}`);
  mount('tmpfs', `${image.folder}/ov`, 'tmpfs');
  try {
    for (const name of ['l', 'u', 'w']) folder(`ov/${name}`);
    writeFile(`${image.folder}/ov/l/low`, 'low\n');
    const options = [`lowerdir=${dirs[0]}`, `upperdir=${dirs[1]}`, `workdir=${dirs[2]}`];
    assert.equal(
      await shell(image, 'cat /ov/low; touch /ov/up', more(mountOf('/ov', 'overlay', 'overlay', ...options))),
      'low',
    );
    assert.ok(exists(`${image.folder}/ov/u/up`));
  } finally {
    umount(`${image.folder}/ov`);
  }
});

test("a cgroup mount shows the container's own cgroup as the root of all", async () => {
  const seen = await shell(
    image,
    'cat /proc/self/cgroup | grep ^0; cat /sys/fs/cgroup/cgroup.procs; test -e /sys/fs/cgroup/cgroup.freeze && echo own; mkdir /sys/fs/cgroup/x',
    more(mountOf('/sys/fs/cgroup', 'cgroup', 'cgroup', 'ro', 'nosuid', 'noexec', 'nodev', 'relatime')),
  );
  assert.match(seen, /^0::\/\n1\n\d+\nown\nstderr: mkdir: .*: Read-only file system$/);
});

test('a read-only root cannot be written, what is mounted in it can', async () => {
  const seen = await shell(image, 'touch /x; touch /dev/shm/y && echo y', { readonly: true });
  assert.equal(seen, 'y\nstderr: touch: /x: Read-only file system');
});

test('masked files read empty, masked folders are empty, read-only paths cannot be written', async () => {
  makeDirectories(`${image.root}/secret`);
  writeFile(`${image.root}/secret/key`, 'key');
  const linux = {
    maskedPaths: ['/proc/kcore', '/proc/cmdline', '/secret', '/no/such/path', '/etc/passwd/x'],
    readonlyPaths: ['/proc/sys', '/proc/nothing', '/home'],
  };
  const line =
    'cat /proc/cmdline; ls /secret; touch /secret/x; echo 1 > /proc/sys/kernel/shmmni; touch /home/x; cat /proc/sys/kernel/ostype';
  const seen = await shell(image, line, { linux });
  assert.match(seen, /^Linux\nstderr: touch: \/secret\/x: Read-only file system\n/);
  assert.match(seen, /can't create \/proc\/sys\/kernel\/shmmni: Read-only file system\ntouch: \/home\/x: Read-only/);
});

test('sysctls hold in the namespaces of the container alone', async () => {
  const before = readText('/proc/sys/kernel/shmmni');
  const linux = {
    sysctl: { 'kernel.shmmni': '777', 'net.ipv4.ip_unprivileged_port_start': '55', 'kernel.domainname': 'd' },
  };
  const line = 'cd /proc/sys; cat kernel/shmmni net/ipv4/ip_unprivileged_port_start kernel/domainname';
  assert.equal(await shell(image, line, { linux }), '777\n55\nd');
  assert.equal(readText('/proc/sys/kernel/shmmni'), before);
});

test('a network namespace of its own has a loopback that is up', async () => {
  const { stdout } = await runContainer(image, [
    'sh',
    '-c',
    'cat /sys/class/net/lo/operstate /sys/class/net/lo/flags; ls /sys/class/net | grep -v ^lo$',
  ]);
  assert.equal(stdout, 'unknown\n0x9\n');
});
