import assert from 'node:assert/strict';
import test from 'node:test';
import type { Fingerprint } from '../../hypervisor/qemu/fingerprint.ts';
import { listDirectory, makeDirectory, makeTemporaryDirectory, removeTree } from '../../os/directory.ts';
import { close } from '../../os/fd.ts';
import { chmod, exists, readText, writeFile } from '../../os/file.ts';
import { identityOf } from '../../os/file-identity.ts';
import { sleep } from '../../os/timer.ts';
import { lockOrMake } from '../../rootfs/file-lock.ts';
import { templateName } from './template.ts';
import { TemplateStore } from './template-store.ts';

const MEMORY_MIB = 1;
/** Times of files come from a clock that moves in steps: 10 ms at the slowest HZ. */
const CLOCK_TICK_MS = 11;
const LIMITS = { maxNumber: 4, maxBytes: 2 ** 30 };
const made = {
  memoryBytes: 2 ** 20,
  stateBytes: 5,
  stateChecksum: 1,
  vmmVersion: '7.2',
  processChecksum: null,
  interfaceFeatures: '',
  agentStreamId: 1,
};

/** A store with one template, whose kernel is a file of the test's. */
async function withStore(
  body: (given: {
    store: TemplateStore;
    folder: string;
    guest: (text?: string) => Fingerprint;
    kernel: string;
  }) => Promise<void>,
): Promise<void> {
  const folder = makeTemporaryDirectory('/tmp/kata-ts-templates-');
  const kernel = `${folder}.kernel`;
  try {
    writeFile(kernel, 'kernel');
    const guest = (text = 'guest'): Fingerprint => ({ text, files: [identityOf(kernel)] });
    await body({ store: new TemplateStore(folder), folder, guest, kernel });
  } finally {
    removeTree(folder);
    removeTree(kernel);
  }
}

const namesIn = (store: TemplateStore): string[] =>
  store
    .list()
    .map(({ name }) => name)
    .sort();

const fill = async (folder: string): Promise<typeof made> => {
  writeFile(`${folder}/memory`, new Uint8Array(made.memoryBytes), 0o600);
  writeFile(`${folder}/state`, 'state', 0o600);
  return made;
};
const lockNow = async (path: string): Promise<number> => {
  const lock = lockOrMake(path, 'exclusive');
  if (lock === null) throw new Error('locked');
  return lock;
};
const make = (store: TemplateStore, guest: Fingerprint, limits = LIMITS) =>
  store.make(guest, MEMORY_MIB, limits, fill, lockNow);

test('a template is made once and found by the guest that it was made for', () =>
  withStore(async ({ store, guest }) => {
    assert.equal(store.open(guest(), MEMORY_MIB, assert.fail), null);
    assert.equal(await make(store, guest()), 'made');
    assert.equal(await make(store, guest()), 'there');
    assert.equal(store.open(guest(), MEMORY_MIB, assert.fail)?.stateChecksum, 1);
    assert.equal(store.open(guest('another'), MEMORY_MIB, assert.fail), null);
  }));

const damages: [what: string, why: RegExp, damage: (folder: string) => void][] = [
  ['whose memory was truncated', /expected to have 1048576 bytes, found 3/, (t) => writeFile(`${t}/memory`, 'cut')],
  ['whose state was truncated', /state is expected to have 5 bytes/, (t) => writeFile(`${t}/state`, 's')],
  ['whose memory is missing', /look at .*memory/, (t) => removeTree(`${t}/memory`)],
  ['without a description', /no description/, (t) => removeTree(`${t}/template.json`)],
  ['whose description is damaged', /description is damaged/, (t) => writeFile(`${t}/template.json`, '{"version":')],
  ['of another format', /format is 1/, (t) => writeFile(`${t}/template.json`, '{"version":1}')],
  ['that others may write to', /others than root/, (t) => chmod(`${t}/memory`, 0o666)],
  ['in a folder that others may write to', /others than root/, (t) => chmod(t, 0o777)],
  [
    'of another guest by the same name',
    /made for another guest/,
    (t) => writeFile(`${t}/template.json`, readText(`${t}/template.json`).replace('"guest"', '"other"')),
  ],
];
for (const [what, why, damage] of damages)
  test(`a template ${what} is not used, and removed`, () =>
    withStore(async ({ store, guest, folder }) => {
      await make(store, guest());
      const template = `${folder}/${templateName(guest())}`;
      damage(template);
      const told: string[] = [];
      assert.equal(
        store.open(guest(), MEMORY_MIB, (message) => void told.push(message)),
        null,
      );
      assert.equal(told.length, 1);
      assert.match(told[0]!, why);
      assert.ok(!exists(template));
      assert.equal(await make(store, guest()), 'made');
    }));

test('a maker that fails leaves nothing, and one that was killed is cleaned up after', () =>
  withStore(async ({ store, guest, folder }) => {
    const fail = () => store.make(guest(), MEMORY_MIB, LIMITS, () => Promise.reject(new Error('no')), lockNow);
    await assert.rejects(fail(), /no/);
    assert.deepEqual(
      listDirectory(folder).filter((name) => !name.endsWith('.lock')),
      [],
    );
    makeDirectory(`${folder}/${templateName(guest())}.tmp`, 0o700);
    writeFile(`${folder}/${templateName(guest())}.tmp/memory`, 'half-written');
    assert.equal(store.open(guest(), MEMORY_MIB, assert.fail), null);
    assert.equal(await make(store, guest()), 'made');
    assert.ok(!exists(`${folder}/${templateName(guest())}.tmp`));
  }));

test('what another maker is at is left alone', () =>
  withStore(async ({ store, guest, folder }) => {
    const name = templateName(guest('slow'));
    const lock = lockOrMake(`${folder}/${name}.lock`, 'exclusive')!;
    makeDirectory(`${folder}/${name}.tmp`, 0o700);
    await make(store, guest());
    assert.ok(exists(`${folder}/${name}.tmp`));
    close(lock);
    store.sweep(LIMITS);
    assert.ok(!exists(`${folder}/${name}.tmp`));
  }));

test('no more templates are kept than the limits allow: the longest unused go first', () =>
  withStore(async ({ store, guest }) => {
    for (const text of ['a', 'b']) await make(store, guest(text));
    await sleep(CLOCK_TICK_MS);
    store.open(guest('a'), MEMORY_MIB, assert.fail);
    await make(store, guest('c'), { maxNumber: 2, maxBytes: 2 ** 30 });
    assert.deepEqual(namesIn(store), [templateName(guest('a')), templateName(guest('c'))].sort());
    await make(store, guest('d'), { maxNumber: 9, maxBytes: 2 ** 20 });
    assert.deepEqual(namesIn(store), [templateName(guest('d'))]);
  }));

test('the one that was just made counts towards the limits, even when it seems the oldest', () =>
  withStore(async ({ store, guest }) => {
    for (const text of ['a', 'b', 'c']) {
      await make(store, guest(text));
      await sleep(CLOCK_TICK_MS);
    }
    store.sweep({ maxNumber: 2, maxBytes: 2 ** 30 }, templateName(guest('a')));
    assert.deepEqual(namesIn(store), [templateName(guest('a')), templateName(guest('c'))].sort());
  }));

test('a template whose kernel was replaced is stale, and goes when the next one is made', () =>
  withStore(async ({ store, guest, kernel }) => {
    await make(store, guest());
    writeFile(kernel, 'another kernel');
    assert.match(store.list()[0]!.stale ?? '', /kernel was replaced/);
    await make(store, guest('new'));
    assert.deepEqual(namesIn(store), [templateName(guest('new'))]);
  }));

test('when all are removed, nothing of them is left: no lock, no half, no note of a failure', () =>
  withStore(async ({ store, guest, folder }) => {
    await make(store, guest());
    const other = `${folder}/${templateName(guest('other'))}`;
    makeDirectory(`${other}.tmp`, 0o700);
    writeFile(`${other}.failed`, 'why');
    store.clear();
    assert.deepEqual(listDirectory(folder), []);
  }));
