import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeDirectory, makeTemporaryDirectory, removeTree } from './directory.ts';
import { removeFile, rename, writeFile } from './file.ts';
import { IN, Inotify } from './inotify.ts';

test('what happens in a watched folder is told in its order', async () => {
  const folder = makeTemporaryDirectory('/tmp/kata-inotify-test-');
  const inotify = new Inotify();
  const watch = inotify.add(folder, IN.CREATE | IN.CLOSE_WRITE | IN.MOVED_FROM | IN.MOVED_TO | IN.DELETE);
  const waiting = inotify.next();
  writeFile(`${folder}/a file of a rather long name`, 'x');
  const first = await waiting;
  makeDirectory(`${folder}/d`);
  rename(`${folder}/a file of a rather long name`, `${folder}/b`);
  removeFile(`${folder}/b`);
  const events = [...first, ...(await inotify.next())];
  assert.deepEqual(
    events.map(({ watch: of, mask, name }) => [of, mask, name]),
    [
      [watch, IN.CREATE, 'a file of a rather long name'],
      [watch, IN.CLOSE_WRITE, 'a file of a rather long name'],
      [watch, IN.CREATE | IN.ISDIR, 'd'],
      [watch, IN.MOVED_FROM, 'a file of a rather long name'],
      [watch, IN.MOVED_TO, 'b'],
      [watch, IN.DELETE, 'b'],
    ],
  );
  assert.equal(events[3]?.cookie, events[4]?.cookie);
  assert.notEqual(events[3]?.cookie, 0);
  inotify.remove(watch);
  inotify.remove(watch);
  assert.deepEqual(
    (await inotify.next()).map(({ mask }) => mask),
    [IN.IGNORED],
  );
  const last = inotify.next();
  inotify.close();
  await assert.rejects(last, { code: 'cancelled' });
  removeTree(folder);
});

test('what does not exist cannot be watched', () => {
  const inotify = new Inotify();
  assert.throws(() => inotify.add('/tmp/kata-no-such-file', IN.MODIFY), {
    errno: 'ENOENT',
    message: /watch \/tmp\/kata-no/,
  });
  inotify.close();
});
