import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeTemporaryDirectory, removeTree } from './directory.ts';
import { close, O, open } from './fd.ts';
import { writeFile } from './file.ts';
import { run } from './process.ts';
import { dataRuns, dropZeroPages } from './sparse-file.ts';
import { stat } from './stat.ts';

const PAGE = 4096;

/** A file of these bytes, and what drops its zeros; it must read as before. */
async function withFile(bytes: Uint8Array, body: (path: string) => void): Promise<void> {
  const folder = makeTemporaryDirectory('/dev/shm/kata-ts-sparse-');
  const [path, before] = [`${folder}/file`, `${folder}/before`];
  try {
    writeFile(path, bytes);
    writeFile(before, bytes);
    body(path);
    assert.equal((await run(['cmp', path, before])).status.code, 0);
  } finally {
    removeTree(folder);
  }
}

function runsOf(path: string): [number, number][] {
  const fd = open(path, O.RDONLY);
  try {
    return [...dataRuns(fd)].map(({ start, end }) => [start / PAGE, end / PAGE]);
  } finally {
    close(fd);
  }
}

test('pages of zeros become holes, and nothing else does', () => {
  const bytes = new Uint8Array(600 * PAGE);
  // A first byte, a last byte, the pages on both sides of what is read at once, and the end.
  for (const at of [3 * PAGE, 5 * PAGE + PAGE - 1, 255 * PAGE + 17, 256 * PAGE, 599 * PAGE + 5]) bytes[at] = 1;
  return withFile(bytes, (path) => {
    assert.equal(dropZeroPages(path), 595 * PAGE);
    assert.deepEqual(runsOf(path), [
      [3, 4],
      [5, 6],
      [255, 257],
      [599, 600],
    ]);
    assert.equal(stat(path).blocks * 512, 5 * PAGE);
    assert.equal(dropZeroPages(path), 0, 'nothing is left to drop');
  });
});

test('a file that ends within a page keeps its end', () => {
  const bytes = new Uint8Array(2 * PAGE + 100);
  return withFile(bytes, (path) => {
    assert.equal(dropZeroPages(path), 2 * PAGE);
  });
});

test('an empty file has no data', () => {
  return withFile(new Uint8Array(), (path) => {
    assert.equal(dropZeroPages(path), 0);
    assert.deepEqual(runsOf(path), []);
  });
});
