import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { syscall } from 'sys';
import { listDirectory, makeDirectories, removeDirectory, removeTree } from '../../os/directory.ts';
import { close } from '../../os/fd.ts';
import { exists, makeFifo, readText, removeFile, symlink, writeFile } from '../../os/file.ts';
import { sleep } from '../../os/timer.ts';
import { NR } from '../../syscall/numbers.ts';
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
/** A folder of the guest that no container may touch. */
let outside: string;
beforeEach(() => {
  image = makeImage();
  outside = `${image.folder}/outside`;
  makeDirectories(outside);
  writeFile(`${outside}/file`, 'untouched');
});
afterEach(() => image.dispose());

/** Nothing was made or changed outside. */
function untouched(): void {
  assert.deepEqual(listDirectory(outside), ['file']);
  assert.equal(readText(`${outside}/file`), 'untouched');
}

test('the target of a mount that is a symlink out of the root stays inside', async () => {
  symlink(`../../../../..${outside}`, `${image.root}/up`);
  symlink(outside, `${image.root}/absolute`);
  const source = `${image.folder}/source`;
  makeDirectories(source);
  writeFile(`${source}/data`, 'data\n');
  const seen = await shell(image, `cat ${outside}/one/data /up/two/data ${outside}/four; ls ${outside}`, {
    mounts: [
      ...DEFAULT_MOUNTS,
      mountOf('/up/one', 'bind', source, 'bind'),
      mountOf('/absolute/two', 'bind', source, 'bind'),
      mountOf('/up/three', 'tmpfs', 'tmpfs'),
      mountOf('/absolute/four', 'bind', `${source}/data`, 'bind'),
    ],
  });
  assert.equal(seen, 'data\ndata\ndata\nfour\none\nthree\ntwo');
  untouched();
});

test('devices, the working directory and masks follow symlinks inside the root alone', async () => {
  symlink(outside, `${image.root}/link`);
  const device = { path: '/link/dev', type: 'c', major: 1n, minor: 3n, fileMode: 0o666, uid: 0, gid: 0 };
  const linux = { devices: [device], maskedPaths: ['/link/file'], readonlyPaths: ['/link'] };
  const seen = await shell(image, `pwd; ls ${outside}`, { linux, process: { cwd: '/link/cwd' } });
  assert.equal(seen, `${outside}/cwd\ncwd\ndev`);
  untouched();
});

for (const path of ['/proc', '/sys'])
  test(`an image whose ${path} is a symlink is refused`, async () => {
    removeDirectory(`${image.root}${path}`);
    symlink('/tmp', `${image.root}${path}`);
    await assert.rejects(Container.create(optionsOf(image, specOf(image, ['true']))), (error: Error) =>
      error.message.includes(`an ordinary folder is expected at ${path}`),
    );
  });

test('an image whose /dev leads elsewhere gets its devices inside', async () => {
  removeDirectory(`${image.root}/dev`);
  symlink(outside, `${image.root}/dev`);
  assert.equal(await shell(image, `test -c ${outside}/null && test -c /dev/null && echo yes`), 'yes');
  untouched();
});

test('devices that an image brings along under the names of the default ones are replaced', async () => {
  writeFile(`${image.root}/dev/null`, 'no device');
  makeFifo(`${image.root}/dev/zero`);
  symlink(`${outside}/file`, `${image.root}/dev/full`);
  symlink(outside, `${image.root}/dev/ptmx`);
  const mounts = DEFAULT_MOUNTS.filter(({ destination }) => destination === '/proc');
  const line = 'stat -c "%F %t %T" /dev/null /dev/zero /dev/full; readlink /dev/ptmx';
  const device = 'character special file';
  assert.equal(await shell(image, line, { mounts }), `${device} 1 3\n${device} 1 5\n${device} 1 7\npts/ptmx`);
  untouched();
});

test('a FIFO or a device in place of /etc/passwd is not waited for', async () => {
  removeFile(`${image.root}/etc/passwd`);
  makeFifo(`${image.root}/etc/passwd`);
  assert.equal(await shell(image, 'echo $HOME'), '/');
  // Nor opened at all: whoever writes to a FIFO goes on when it is.
  const spec = specOf(image, ['sh', '-c', 'echo x > /etc/passwd']);
  const container = await Container.create(optionsOf(image, spec));
  await container.start();
  await sleep(20);
  await outcomeOf(await container.exec({ execId: 'e', process: processOf(['true']) }));
  await sleep(20);
  assert.equal(container.state, 'running');
  await removed(container);
});

test('a program or a working directory among the descriptors of the agent is out of reach', async () => {
  for (const fd of [3, 4, 5, 6, 7, 8, 9, 10]) {
    const cwd = await runContainer(image, ['true'], { process: { cwd: `/proc/self/fd/${fd}` } }).catch((e: Error) => e);
    assert.ok(cwd instanceof Error, `descriptor ${fd} was entered`);
    const program = await runContainer(image, [`/proc/self/fd/${fd}/bin/sh`]).catch((error: Error) => error);
    assert.ok(program instanceof Error, `descriptor ${fd} was executed from`);
  }
});

test('a working directory in the root of another container is refused', async () => {
  const pause = await Container.create(optionsOf(image, specOf(image, ['cat'])));
  await pause.start();
  const pidFd = pause.openPidNamespace();
  const app = await Container.create({ ...optionsOf(image, specOf(image, ['cat'])), shared: { pidFd } });
  close(pidFd);
  await app.start();
  const process = processOf(['pwd'], { cwd: '/proc/1/root/tmp' });
  await assert.rejects(app.exec({ execId: 'e', process }), {
    message: 'a working directory inside the root is expected, /proc/1/root/tmp leads to (unreachable)/tmp',
  });
  await removed(app);
  await removed(pause);
});

test('a terminal is never one that the container put in place of its devpts', async () => {
  const spec = specOf(image, ['sh', '-c', 'echo up; read x'], {
    mounts: DEFAULT_MOUNTS.filter(({ destination }) => destination !== '/dev/pts'),
  });
  const container = await Container.create(optionsOf(image, spec));
  await container.start();
  await assert.rejects(
    container.exec({ execId: 'e', process: processOf(['sh'], { terminal: true }) }),
    (error: Error) => error.message.includes('/dev/pts/ptmx'),
  );
  const line = 'mkdir -p /dev/pts; touch /dev/pts/ptmx';
  await outcomeOf(await container.exec({ execId: 'f', process: processOf(['sh', '-c', line]) }));
  await assert.rejects(container.exec({ execId: 'g', process: processOf(['sh'], { terminal: true }) }), {
    message: 'a devpts is expected at /dev/pts of the container, it is not there',
  });
  await removed(container);
});

/** What an image has as its /etc/mtab, made by the kernel's name for it. */
const mtab = (image: TestImage): string => `${image.root}/etc/mtab`;

test('an mtab that is a regular file becomes the symlink that tells the truth', async () => {
  writeFile(mtab(image), 'lies\n');
  assert.equal(
    await shell(image, 'readlink /etc/mtab; df / | grep -c /$; grep -c lies /etc/mtab'),
    '/proc/mounts\n1\n0',
  );
  assert.deepEqual(listDirectory(`${image.root}/etc`), ['group', 'mtab', 'passwd']);
});

test('on a read-only root the mtab is covered by the table of the container itself', async () => {
  writeFile(mtab(image), 'lies\n');
  const line = 'test -L /etc/mtab || echo file; grep -c " /proc proc" /etc/mtab; grep -c lies /etc/mtab';
  assert.equal(await shell(image, line, { readonly: true }), 'file\n1\n0');
  assert.equal(readText(mtab(image)), 'lies\n');
});

test('an mtab is left alone when it is switched off, mounted, a link already, or on another mount', async () => {
  writeFile(mtab(image), 'mine\n');
  const off = await runContainer(image, ['cat', '/etc/mtab'], {}, { fixMtab: 'off' });
  assert.equal(off.stdout, 'mine\n');
  const source = `${image.folder}/volume`;
  makeDirectories(source);
  writeFile(`${source}/mtab`, 'volume\n');
  const target = await shell(image, 'cat /etc/mtab', {
    mounts: [...DEFAULT_MOUNTS, mountOf('/etc/mtab', 'bind', `${source}/mtab`, 'bind')],
  });
  assert.equal(target, 'volume');
  const other = await shell(image, 'cat /etc/mtab', {
    mounts: [...DEFAULT_MOUNTS, mountOf('/etc', 'bind', source, 'bind')],
  });
  assert.equal(other, 'volume');
  assert.equal(readText(`${source}/mtab`), 'volume\n');
  removeFile(mtab(image));
  symlink('/proc/self/mounts', mtab(image));
  assert.equal(await shell(image, 'readlink /etc/mtab'), '/proc/self/mounts');
  removeFile(mtab(image));
  assert.equal(await shell(image, 'test -e /etc/mtab || echo none'), 'none');
});

test('an /etc that leads out of the root leaves the mtab there as it is', async () => {
  removeTree(`${image.root}/etc`);
  writeFile(`${outside}/mtab`, 'of the guest\n');
  symlink(`../../../../..${outside}`, `${image.root}/etc`);
  await shell(image, 'true');
  assert.equal(readText(`${outside}/mtab`), 'of the guest\n');
  syscall(NR.unlinkat, -100, `${outside}/mtab`, 0);
  untouched();
  assert.ok(exists(outside));
});
