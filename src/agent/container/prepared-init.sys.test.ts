/** Whatever holds of a container holds of one whose first process was made ahead: the same tests, and what is particular. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makeDirectories } from '../../os/directory.ts';
import { exists, writeFile } from '../../os/file.ts';
import { mount } from '../../os/mount.ts';
import { SIGNAL } from '../../os/signal.ts';
import { Container } from './container.ts';
import { PreparedInit } from './prepared-init.ts';
import {
  begunAhead,
  DEFAULT_MOUNTS,
  makeImage,
  mountOf,
  optionsOf,
  outcomeOf,
  prepareAhead,
  removed,
  runContainer,
  specOf,
  type TestImage,
} from './testing/test-container.ts';

prepareAhead();

import './container.sys.test.ts';
import './hostile-image.sys.test.ts';
import './mounts.sys.test.ts';
import './process.sys.test.ts';

let image: TestImage;
before(() => {
  image = makeImage();
});
after(() => image.dispose());

test('most containers of these tests begin with a process that was made ahead', () => {
  assert.ok(begunAhead >= 40, `${begunAhead} did`);
});

/** One that was prepared, and a container that gets it. */
async function withPrepared(
  body: (prepared: PreparedInit, create: (args: string[]) => Promise<Container>) => Promise<void>,
): Promise<void> {
  const { id: _, prepared: __, ...options } = optionsOf(image, specOf(image, ['true']));
  const prepared = await PreparedInit.make(options);
  await body(prepared, (args) => {
    const spec = specOf(image, args, {
      mounts: [...DEFAULT_MOUNTS, mountOf('/late', 'bind', `${image.folder}/late`, 'rbind')],
    });
    return Container.create({
      ...optionsOf(image, spec),
      prepared: (plan) => (prepared.suits(plan) ? prepared : undefined),
    });
  });
}

test('what was mounted since it was made is seen by the container', async () => {
  await withPrepared(async (_prepared, create) => {
    makeDirectories(`${image.folder}/late`);
    mount('late', `${image.folder}/late`, 'tmpfs');
    writeFile(`${image.folder}/late/file`, 'new\n');
    const container = await create(['cat', '/late/file']);
    try {
      await container.start();
      assert.equal((await outcomeOf(container.init)).stdout, 'new\n');
    } finally {
      await removed(container);
    }
  });
});

test('one that was killed meanwhile is not used', async () => {
  await withPrepared(async (prepared, create) => {
    await prepared.discard();
    makeDirectories(`${image.folder}/late`);
    const container = await create(['true']);
    assert.notEqual(container.cgroup.path, prepared.cgroup.path);
    await removed(container);
  });
});

test('one that nobody wants leaves nothing', async () => {
  await withPrepared(async (prepared) => {
    const [pid] = prepared.cgroup.pids();
    assert.ok(exists(`/proc/${pid}`));
    await prepared.discard();
    assert.ok(!exists(prepared.cgroup.path));
    assert.ok(!exists(`/proc/${pid}`));
  });
});

test('a container that ends in its making leaves nothing of it', async () => {
  await withPrepared(async (prepared, create) => {
    makeDirectories(`${image.folder}/late`);
    const making = create(['true']);
    const [pid] = prepared.cgroup.pids();
    prepared.signal(SIGNAL.KILL);
    await assert.rejects(making, /the process ended by signal 9 before its program ran/);
    assert.ok(!exists(prepared.cgroup.path));
    assert.ok(!exists(`/proc/${pid}`));
  });
});

test('a container in other namespaces does not begin with it', async () => {
  const { id: _, prepared: __, ...options } = optionsOf(image, specOf(image, ['true']));
  const prepared = await PreparedInit.make(options);
  const namespaces = ['pid', 'mount'].map((type) => ({ type, path: '' }));
  let suited: boolean | undefined;
  const spec = specOf(image, ['true'], { linux: { namespaces } });
  const container = await Container.create({
    ...optionsOf(image, spec),
    prepared: (plan) => {
      suited = prepared.suits(plan);
      return undefined;
    },
  });
  assert.equal(suited, false);
  await removed(container);
  await prepared.discard();
});

test('an environment larger than can be handed over is no failure', async () => {
  const env = [`LARGE=${'x'.repeat(100_000)}`, 'PATH=/bin'];
  const { stdout } = await runContainer(image, ['sh', '-c', 'echo $' + '{#LARGE}'], { process: { env } });
  assert.equal(stdout, '100000\n');
});
