import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeTemporaryDirectory, removeTree } from '../../os/directory.ts';
import { close } from '../../os/fd.ts';
import { readlink, writeFile } from '../../os/file.ts';
import { run } from '../../os/process.ts';
import { stat } from '../../os/stat.ts';
import { copyMemory } from './clone-memory.ts';

const MIB = 2 ** 20;

test('a guest’s memory is copied with its holes', async () => {
  const folder = makeTemporaryDirectory('/dev/shm/kata-ts-memory-');
  try {
    const path = `${folder}/memory`;
    writeFile(path, '');
    for (const at of [0, 5, 9]) {
      const piece = ['dd', 'if=/dev/urandom', `of=${path}`, 'bs=1M', 'count=1', `seek=${at}`, 'conv=notrunc'];
      assert.equal((await run(piece)).status.code, 0);
    }
    await run(['truncate', '--size=64M', path]);
    const fd = copyMemory(path);
    try {
      const copy = `/proc/${readlink('/proc/self')}/fd/${fd}`;
      assert.equal((await run(['cmp', copy, path])).status.code, 0);
      const { sizeBytes, blocks } = stat(copy);
      assert.equal(sizeBytes, 64 * MIB);
      assert.equal(blocks * 512, 3 * MIB);
    } finally {
      close(fd);
    }
  } finally {
    removeTree(folder);
  }
});
