import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KataError } from '../errors/kata-error.ts';
import { type ImageRunConfig, parseImageConfig } from './image-config.ts';
import { imageToSpec, type RunOptions } from './image-to-spec.ts';
import { parseJson } from './parse-json.ts';
import { validateSpec } from './validate.ts';

const make = (config: ImageRunConfig, options: RunOptions = {}) => imageToSpec({ config }, options, 'x86-64');

function refused(config: ImageRunConfig, options: RunOptions, word: string) {
  assert.throws(
    () => make(config, options),
    (error) => error instanceof KataError && error.code === 'invalid-argument' && error.line.includes(word),
    word,
  );
}

test('arguments replace the Cmd of the image and follow its entrypoint', () => {
  const image = { Entrypoint: ['/entry', '-x'], Cmd: ['serve'] };
  assert.deepEqual(make(image).process?.args, ['/entry', '-x', 'serve']);
  assert.deepEqual(make(image, { args: ['check', 'it'] }).process?.args, ['/entry', '-x', 'check', 'it']);
  assert.deepEqual(make({ Cmd: ['sh'] }).process?.args, ['sh']);
});

test('--entrypoint replaces the entrypoint and drops the Cmd that belonged to it', () => {
  const image = { Entrypoint: ['/entry'], Cmd: ['serve'] };
  assert.deepEqual(make(image, { entrypoint: '/bin/sh' }).process?.args, ['/bin/sh']);
  assert.deepEqual(make(image, { entrypoint: '/bin/sh', args: ['-c', 'id'] }).process?.args, ['/bin/sh', '-c', 'id']);
  assert.deepEqual(make(image, { entrypoint: '', args: ['id'] }).process?.args, ['id']);
});

test('without a command from anywhere the error says what to write', () => {
  refused({}, {}, "behind the image's name");
  refused({ Entrypoint: ['/entry'], Cmd: ['serve'] }, { entrypoint: '' }, 'command');
});

test("a person's variables win over the image's, which win over ours", () => {
  const env = make(
    { Cmd: ['x'], Env: ['PATH=/image', 'A=1', 'B=1', 'nonsense'] },
    { env: ['B=2=3', 'C='], hostname: 'h', terminal: true },
  ).process?.env;
  assert.deepEqual(env, ['PATH=/image', 'HOSTNAME=h', 'TERM=xterm', 'A=1', 'B=2=3', 'C=']);
  assert.deepEqual(make({ Cmd: ['x'] }).process?.env, [
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  ]);
  refused({ Cmd: ['x'] }, { env: ['NOPE'] }, "'NOPE'");
});

test('a user is looked up in the image by the agent; numbers go along as numbers', () => {
  const user = (name: string) => make({ Cmd: ['x'] }, { user: name }).process?.user;
  assert.deepEqual(user('www-data'), { username: 'www-data' });
  assert.deepEqual(user('1000'), { username: '1000', uid: 1000 });
  assert.deepEqual(user('1000:50'), { username: '1000:50', uid: 1000, gid: 50 });
  assert.deepEqual(user('app:adm'), { username: 'app:adm' });
  assert.deepEqual(make({ Cmd: ['x'], User: 'nobody' }).process?.user, { username: 'nobody' });
  assert.deepEqual(make({ Cmd: ['x'] }).process?.user, { username: '0', uid: 0 });
  for (const wrong of [':', 'a:', ':b', 'a:b:c', '4294967295']) refused({ Cmd: ['x'] }, { user: wrong }, `'${wrong}'`);
});

test('limits are bytes and microseconds', () => {
  const resources = make({ Cmd: ['x'] }, { memoryMib: 64, cpus: 1.5 }).linux?.resources;
  assert.deepEqual(resources?.memory, { limit: 67108864 });
  assert.deepEqual(resources?.cpu, { quota: 150000, period: 100000 });
  refused({ Cmd: ['x'] }, { memoryMib: 1 }, '6 MiB');
  refused({ Cmd: ['x'] }, { cpus: 0 }, 'found 0');
  refused({ Cmd: ['x'] }, { cpus: Number.NaN }, 'NaN');
});

test('the rest of the options goes where it belongs', () => {
  const spec = make(
    { Cmd: ['x'], WorkingDir: '/srv' },
    {
      readOnly: true,
      hostname: 'box',
      rootPath: '/r',
      cgroupsPath: '/kata/c1',
      annotations: { a: 'b' },
      mounts: [{ destination: '/data', type: 'bind', source: '/d', options: ['rbind'] }],
    },
  );
  assert.equal(spec.process?.cwd, '/srv');
  assert.deepEqual(spec.root, { path: '/r', readonly: true });
  assert.equal(spec.hostname, 'box');
  assert.equal(spec.linux?.cgroupsPath, '/kata/c1');
  assert.deepEqual(spec.annotations, { a: 'b' });
  assert.equal(spec.mounts?.at(-1)?.destination, '/data');
  assert.equal(make({ Cmd: ['x'] }, { cwd: '/tmp' }).process?.cwd, '/tmp');
  refused({ Cmd: ['x'], WorkingDir: 'srv' }, {}, "'srv'");
});

test("what is made passes the runtime's own check, with nothing refused or left out", () => {
  const spec = make({ Cmd: ['x'] }, { memoryMib: 64, cpus: 1, hostname: 'h', terminal: true });
  const { ignored } = validateSpec(parseJson(JSON.stringify(spec), 'x'));
  assert.deepEqual(ignored, []);
  assert.equal(spec.linux?.seccomp?.defaultAction, 'SCMP_ACT_ERRNO');
  assert.equal(make({ Cmd: ['x'] }, { seccomp: 'unconfined' }).linux?.seccomp, undefined);
});

test("an image's configuration is read as docker and the OCI write it", () => {
  const image = parseImageConfig(
    '{"architecture":"amd64","os":"linux","config":{"Cmd":["sh"],"Entrypoint":null,"Volumes":{"/v":{}},"StopSignal":"SIGQUIT"},"rootfs":{"type":"layers"}}',
    'busybox',
  );
  assert.deepEqual(image.config?.Cmd, ['sh']);
  assert.equal(image.config?.Entrypoint, undefined);
  assert.throws(() => parseImageConfig('{"config":{"Cmd":"sh"}}', 'busybox'), /busybox: config\.Cmd: expected a list/);
  assert.throws(
    () => parseImageConfig('{"os":"windows"}', 'nano'),
    (error) => error instanceof KataError && error.code === 'unimplemented' && error.message.includes('windows'),
  );
});
