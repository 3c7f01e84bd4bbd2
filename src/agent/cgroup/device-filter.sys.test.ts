import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { LinuxDevice, LinuxDeviceCgroup } from '../../protocols/gen/oci.ts';
import { Container } from '../container/container.ts';
import {
  makeImage,
  NO_RESOURCES,
  optionsOf,
  outcomeOf,
  processOf,
  runContainer,
  specOf,
  type TestImage,
} from '../container/testing/test-container.ts';

let image: TestImage;
before(() => {
  image = makeImage();
});
after(() => image.dispose());

const DENY_ALL: LinuxDeviceCgroup = { allow: false, type: 'a', major: -1n, minor: -1n, access: 'rwm' };
const ALLOW_ALL: LinuxDeviceCgroup = { ...DENY_ALL, allow: true };
/** A device that any machine can open and no container may by default: /dev/fuse. */
const FUSE: LinuxDevice = { path: '/dev/fuse', type: 'c', major: 10n, minor: 229n, fileMode: 0o600, uid: 0, gid: 0 };

/** Whether a container can open a device to read and to write, by the script's exit status and words. */
async function tries(script: string, rules: LinuxDeviceCgroup[], devices: LinuxDevice[] = []): Promise<string> {
  const linux = { resources: { ...NO_RESOURCES, devices: rules }, devices };
  const { stdout, stderr } = await runContainer(image, ['sh', '-c', script], { linux });
  return stdout + stderr;
}

const OPEN_FUSE = 'true < /dev/fuse && echo read; true > /dev/fuse && echo written';
const MAKE_FUSE = 'busybox mknod /dev/fuse c 10 229 && echo made;';

test('a container makes a node of a device of the guest, and cannot open it', async () => {
  const words = await tries(`${MAKE_FUSE} ${OPEN_FUSE}`, [DENY_ALL]);
  assert.match(words, /^made\n/);
  assert.equal(words.match(/Operation not permitted/g)?.length, 2, words);
  assert.doesNotMatch(words, /read|written/);
});

test('a disk of the guest cannot be opened through a node of its own', async () => {
  assert.match(await tries('busybox mknod /dev/x b 7 0 && true < /dev/x', [DENY_ALL]), /Operation not permitted/);
});

test('the usual devices work', async () => {
  const script =
    'echo x > /dev/null && head -c 1 /dev/zero | busybox wc -c; head -c 4 /dev/urandom | busybox wc -c; true <> /dev/ptmx && echo ptmx';
  assert.equal(await tries(script, [DENY_ALL]), '1\n4\nptmx\n');
});

test('a container with a terminal can use it', async () => {
  const linux = { resources: { ...NO_RESOURCES, devices: [DENY_ALL] } };
  const spec = specOf(image, ['sh', '-c', 'tty; echo heard > /dev/tty'], { process: { terminal: true }, linux });
  const container = await Container.create(optionsOf(image, spec));
  try {
    await container.start();
    assert.match((await outcomeOf(container.init)).stdout, /^\/dev\/pts\/0\r\nheard\r\n$/);
  } finally {
    assert.deepEqual(await container.remove(), []);
  }
});

test('a device that the container is given works, as far as its rule goes', async () => {
  assert.equal(await tries(OPEN_FUSE, [DENY_ALL], [FUSE]), 'read\nwritten\n');
  const readOnly = { allow: true, type: 'c', major: 10n, minor: 229n, access: 'r' };
  assert.match(await tries(OPEN_FUSE, [DENY_ALL, readOnly], [FUSE]), /^read\n.*Operation not permitted\n$/);
});

test('a privileged container, and one of a shim that sends no rules, may use everything', async () => {
  assert.equal(await tries(`${MAKE_FUSE} ${OPEN_FUSE}`, [DENY_ALL, ALLOW_ALL]), 'made\nread\nwritten\n');
  assert.equal(await tries(`${MAKE_FUSE} ${OPEN_FUSE}`, []), 'made\nread\nwritten\n');
});

test('an exec is limited as well, also after other limits were changed', async () => {
  const linux = { resources: { ...NO_RESOURCES, devices: [DENY_ALL] } };
  const spec = specOf(image, ['sleep', '1000'], { linux });
  const container = await Container.create(optionsOf(image, spec));
  try {
    await container.start();
    const script = `busybox rm -f /dev/fuse; ${MAKE_FUSE} ${OPEN_FUSE}`;
    for (const execId of ['before', 'after']) {
      const process = await container.exec({ execId, process: processOf(['sh', '-c', script]) });
      const { stdout, stderr } = await outcomeOf(process);
      assert.equal(stdout, 'made\n');
      assert.equal(stderr.match(/Operation not permitted/g)?.length, 2, stderr);
      container.update({ ...NO_RESOURCES, devices: [ALLOW_ALL] });
    }
  } finally {
    assert.deepEqual(await container.remove(), []);
  }
});
