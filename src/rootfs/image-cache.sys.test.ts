import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KataError } from '../errors/kata-error.ts';
import { listDirectory, makeDirectories, makeTemporaryDirectory, removeTree } from '../os/directory.ts';
import { pipe, read, setNonBlocking, writeSync } from '../os/fd.ts';
import { chmod, readText, writeFile } from '../os/file.ts';
import { resetAfterFork } from '../os/loop.ts';
import { mount, umount } from '../os/mount.ts';
import { ChildProcess, exitNow, fork } from '../os/process.ts';
import { SIGNAL } from '../os/signal.ts';
import { stat } from '../os/stat.ts';
import { sleep } from '../os/timer.ts';
import { utf8Encode } from '../os/utf8.ts';
import { ImageCache } from './image-cache.ts';
import { layerAt } from './layer.ts';

const MIB = 2 ** 20;
type Context = { after(body: () => unknown): void };

const scene = (t: Context): string => {
  const folder = makeTemporaryDirectory('/tmp/kata-cache-test-');
  t.after(() => removeTree(folder));
  return folder;
};
const cacheIn = (folder: string, sizeMib = 0) => new ImageCache({ directory: `${folder}/cache`, sizeMib });
const writing = (content: string | Uint8Array) => async (path: string) => writeFile(path, content);
const never = async (): Promise<void> => assert.fail('an image that is there is expected not to be made again');
/** The files of images, whatever belongs to them. */
const files = (folder: string): string[] => listDirectory(`${folder}/cache`).filter((name) => name !== 'mount');
const images = (folder: string): string[] => files(folder).filter((name) => name.endsWith('.erofs'));

/** Runs `body` in a child process of its own loop, until it calls `ready`; then it lives until it is killed. */
async function elsewhere(t: Context, body: (ready: () => void) => Promise<void>): Promise<ChildProcess> {
  const [readEnd, writeEnd] = pipe();
  setNonBlocking(readEnd);
  const forked = fork();
  if (forked === null) {
    resetAfterFork();
    body(() => writeSync(writeEnd, new Uint8Array([1])))
      .then(() => sleep(60_000))
      .catch(() => {})
      .then(() => exitNow(1));
    await new Promise(() => {});
  }
  const child = new ChildProcess(forked!);
  t.after(async () => {
    child.kill(SIGNAL.KILL);
    await child.wait();
  });
  await read(readEnd, new Uint8Array(1));
  return child;
}

describe('the cache of root images', () => {
  test('makes an image once, and keeps it for the next', async (t) => {
    const folder = scene(t);
    let made = 0;
    const make = async (path: string): Promise<void> => {
      made++;
      await sleep(50);
      writeFile(path, 'image');
    };
    const users = await Promise.all([1, 2, 3, 4].map(() => cacheIn(folder).acquire('key', [], make)));
    assert.equal(made, 1);
    for (const user of users) {
      assert.equal(readText(user.path), 'image');
      assert.equal(user.fsType, 'erofs');
      user.release();
      user.release();
    }
    (await cacheIn(folder).acquire('key', [], never)).release();
  });

  test('makes an image once for several processes', async (t) => {
    const folder = scene(t);
    const slow = async (path: string): Promise<void> => {
      await sleep(300);
      writeFile(path, 'by the first');
    };
    await elsewhere(t, async (ready) => {
      const image = cacheIn(folder).acquire('key', [], slow);
      ready();
      await image;
    });
    await sleep(50);
    const image = await cacheIn(folder).acquire('key', [], never);
    assert.equal(readText(image.path), 'by the first');
    image.release();
  });

  test('goes on when the process that makes an image is killed, and nothing of it is used', async (t) => {
    const folder = scene(t);
    const child = await elsewhere(t, async (ready) => {
      await cacheIn(folder).acquire('key', [], async (path) => {
        writeFile(path, 'half of an im');
        ready();
        await sleep(60_000);
      });
    });
    const image = cacheIn(folder).acquire('key', [], writing('whole'));
    await sleep(50);
    assert.equal(files(folder).filter((name) => name.endsWith('.tmp')).length, 1);
    child.kill(SIGNAL.KILL);
    await child.wait();
    const { path, release } = await image;
    assert.equal(readText(path), 'whole');
    release();
    assert.deepEqual(
      files(folder).filter((name) => name.endsWith('.tmp')),
      [],
    );
  });

  test('keeps what is used, by whichever process, and drops what was unused the longest', async (t) => {
    const folder = scene(t);
    const child = await elsewhere(t, async (ready) => {
      await cacheIn(folder).acquire('theirs', [], writing(new Uint8Array(2 * MIB)));
      ready();
    });
    const cache = cacheIn(folder, 3);
    const ours = await cache.acquire('ours', [], writing(new Uint8Array(2 * MIB)));
    for (const key of ['a', 'b', 'c', 'd']) {
      (await cache.acquire(key, [], writing(new Uint8Array(MIB)))).release();
      await sleep(5);
      if (key !== 'a') (await cache.acquire('a', [], never)).release();
      await sleep(5);
    }
    assert.deepEqual(
      images(folder),
      ['a', 'c', 'd', 'ours', 'theirs'].map((key) => `${key}.erofs`),
    );
    ours.release();
    child.kill(SIGNAL.KILL);
    await child.wait();
    cache.sweep(0);
    assert.deepEqual(files(folder), []);
  });

  test('drops an image whose layers are gone or others now, once it is unused', async (t) => {
    const folder = scene(t);
    const cache = cacheIn(folder);
    for (const name of ['gone', 'other', 'kept']) makeDirectories(`${folder}/${name}`);
    const acquire = (name: string) => cache.acquire(name, [layerAt(`${folder}/${name}`)], writing(name));
    const used = await acquire('gone');
    (await acquire('other')).release();
    (await acquire('kept')).release();
    removeTree(`${folder}/gone`);
    removeTree(`${folder}/other`);
    makeDirectories(`${folder}/other`);
    cache.sweep();
    assert.deepEqual(images(folder), ['gone.erofs', 'kept.erofs']);
    used.release();
    assert.deepEqual(images(folder), ['kept.erofs']);
  });

  test('does not trust an image that a crash of the machine may have cut', async (t) => {
    const folder = scene(t);
    const cache = cacheIn(folder);
    (await cache.acquire('key', [], writing('first'))).release();
    const path = `${folder}/cache/key.erofs`;
    for (let i = 0; (stat(path).mode & 0o777) !== 0o400; i++) {
      assert.ok(i < 200, 'the image is expected to be brought to the disk');
      await sleep(20);
    }
    const description = `${folder}/cache/key.json`;
    writeFile(description, readText(description).replace(/"bootId":"[^"]*"/, '"bootId":"before"'));
    (await cache.acquire('key', [], never)).release();
    chmod(path, 0o600);
    const again = await cache.acquire('key', [], writing('second'));
    assert.equal(readText(again.path), 'second');
    again.release();
    writeFile(description, '{"version":1,');
    (await cache.acquire('key', [], writing('third'))).release();
    assert.equal(readText(path), 'third');
  });

  test('gives nobody an image that is being removed, however many come and go', async (t) => {
    const folder = scene(t);
    const comeAndGo = async (): Promise<ChildProcess> => {
      const forked = fork();
      if (forked !== null) return new ChildProcess(forked);
      resetAfterFork();
      try {
        const cache = cacheIn(folder);
        for (let i = 0; i < 150; i++) {
          const image = await cache.acquire('key', [], writing('whole'));
          if (readText(image.path) !== 'whole') throw new Error('a part of an image');
          image.release();
          cache.sweep(0);
        }
        exitNow(0);
      } catch (error) {
        writeSync(2, utf8Encode(`${KataError.from(error).line}\n`));
        exitNow(1);
      }
    };
    const users = [await comeAndGo(), await comeAndGo(), await comeAndGo()];
    for (const user of users) assert.equal((await user.wait()).code, 0);
  });

  test('removes a private image when it is released or its user is killed', async (t) => {
    const folder = scene(t);
    const cache = cacheIn(folder);
    const image = await cache.acquirePrivate(writing('x'));
    assert.equal(readText(image.path), 'x');
    cache.sweep(0);
    assert.equal(files(folder).length, 1);
    image.release();
    assert.deepEqual(files(folder), []);
    const child = await elsewhere(t, async (ready) => {
      await cacheIn(folder).acquirePrivate(writing('y'));
      ready();
    });
    cache.sweep();
    assert.equal(files(folder).length, 1);
    child.kill(SIGNAL.KILL);
    await child.wait();
    cache.sweep();
    assert.deepEqual(files(folder), []);
  });

  test('leaves nothing of an image that cannot be made, and gives way when the disk is full', async (t) => {
    const folder = scene(t);
    makeDirectories(`${folder}/cache`);
    mount('none', `${folder}/cache`, 'tmpfs', 0, 'size=4m');
    t.after(() => umount(`${folder}/cache`));
    const cache = cacheIn(folder);
    const big = (path: string): Promise<void> => {
      try {
        writeFile(path, new Uint8Array(3 * MIB));
        return Promise.resolve();
      } catch (error) {
        return Promise.reject(error);
      }
    };
    const first = await cache.acquire('first', [], big);
    await assert.rejects(cache.acquire('second', [], big), { errno: 'ENOSPC' });
    assert.deepEqual(images(folder), ['first.erofs']);
    first.release();
    (await cache.acquire('second', [], big)).release();
    assert.deepEqual(images(folder), ['second.erofs']);
    await assert.rejects(
      cache.acquire('third', [], async () => {
        throw new KataError('internal', 'no');
      }),
      { message: 'no' },
    );
    await assert.rejects(
      cache.acquirePrivate(async (path) => {
        writeFile(path, 'part');
        throw new KataError('internal', 'no');
      }),
    );
    cache.sweep(0);
    assert.deepEqual(files(folder), []);
  });
});
