import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makeDirectories } from '../../os/directory.ts';
import { readText, readTextIfExists } from '../../os/file.ts';
import type { Hook, Hooks, Spec } from '../../protocols/gen/oci.ts';
import { Container } from './container.ts';
import { makeImage, optionsOf, outcomeOf, removed, specOf, type TestImage } from './testing/test-container.ts';

let image: TestImage;
/** Where hooks write what they saw. */
let log: string;
before(() => {
  image = makeImage();
  log = `${image.folder}/log`;
  makeDirectories(`${image.root}/hooks`);
});
after(() => image.dispose());

const NONE: Hooks = {
  prestart: [],
  poststart: [],
  poststop: [],
  createRuntime: [],
  createContainer: [],
  startContainer: [],
};

/** A hook that runs a line of shell, with the guest's shell. */
const hook = (line: string): Hook => ({
  path: '/bin/sh',
  args: ['sh', '-c', line],
  env: ['PATH=/bin:/usr/bin'],
  timeout: 0n,
});

function specWith(args: string[], hooks: Partial<Hooks>): Spec {
  return { ...specOf(image, args), hooks: { ...NONE, ...hooks } };
}

test('hooks run at their points, in their order and namespaces, and read the state of the container', async () => {
  const tell = (word: string): Hook => hook(`echo ${word} $(readlink /proc/self/ns/uts) >> ${log}`);
  const spec = specWith(['sh', '-c', 'cat /hooks/start; echo program'], {
    prestart: [tell('prestart'), hook(`cat > ${log}.state`)],
    createRuntime: [tell('createRuntime')],
    createContainer: [tell('createContainer'), hook(`test -e ${image.root}/dev/pts/ptmx && echo furnished >> ${log}`)],
    startContainer: [hook('readlink /proc/self/ns/uts > /hooks/start')],
    poststart: [tell('poststart'), hook('exit 1')],
    poststop: [tell('poststop')],
  });
  const container = await Container.create({ ...optionsOf(image, spec), bundle: `${image.folder}/bundle` });
  const { pid } = container.init;
  assert.deepEqual(JSON.parse(readText(`${log}.state`)), {
    ociVersion: '1.1.0',
    id: container.id,
    status: 'creating',
    pid,
    bundle: `${image.folder}/bundle`,
    annotations: {},
  });
  await container.start();
  const { stdout } = await outcomeOf(container.init);
  await removed(container);
  await removed(container);
  const lines = readText(log).trim().split('\n');
  const guest = lines[0]!.split(' ')[1];
  const inside = lines[2]!.split(' ')[1];
  assert.notEqual(inside, guest);
  assert.equal(stdout, `${inside}\nprogram\n`);
  assert.deepEqual(lines, [
    `prestart ${guest}`,
    `createRuntime ${guest}`,
    `createContainer ${inside}`,
    'furnished',
    `poststart ${guest}`,
    `poststop ${guest}`,
  ]);
});

for (const name of ['prestart', 'createContainer'] as const)
  test(`a ${name} hook that fails keeps the container from being made`, async () => {
    const spec = specWith(['true'], { [name]: [hook('echo broken >&2; exit 3')] });
    await assert.rejects(Container.create(optionsOf(image, spec)), {
      message: 'the hook /bin/sh is expected to succeed, it ended with 3: broken',
    });
  });

test('a startContainer hook that fails keeps the program from running', async () => {
  const spec = specWith(['sh', '-c', 'echo ran > /hooks/ran'], { startContainer: [hook('exit 4')] });
  const container = await Container.create(optionsOf(image, spec));
  await assert.rejects(container.start(), { message: /it ended with 4/ });
  assert.equal(container.state, 'stopped');
  await removed(container);
  assert.equal(readTextIfExists(`${image.root}/hooks/ran`), null);
});

test('a hook that takes longer than its timeout is ended', async () => {
  const spec = specWith(['true'], { prestart: [{ ...hook('exec sleep 100'), timeout: 1n }] });
  await assert.rejects(Container.create(optionsOf(image, spec)), { code: 'deadline-exceeded' });
});

test('a hook may change the root that the container then cannot write', async () => {
  const spec = specWith(['cat', '/etc/added'], { prestart: [hook(`echo added > ${image.root}/etc/added`)] });
  spec.root!.readonly = true;
  const container = await Container.create(optionsOf(image, spec));
  await container.start();
  assert.equal((await outcomeOf(container.init)).stdout, 'added\n');
  await removed(container);
});
