import '../os/polyfill.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { syscall } from 'sys';
import { makeTemporaryDirectory, removeTree } from '../os/directory.ts';
import { check } from '../os/errno.ts';
import { close, O, open } from '../os/fd.ts';
import { NR } from '../syscall/numbers.ts';
import { runInPrivateMounts } from './private-child.ts';

test('in a chroot whose root is a plain folder, making an image says what to do about it', async () => {
  const folder = makeTemporaryDirectory('/tmp/kata-ts-private-');
  const [root, cwd] = [open('/', O.RDONLY | O.DIRECTORY), open('.', O.RDONLY | O.DIRECTORY)];
  try {
    check(syscall(NR.chroot, folder), 'enter the folder');
    try {
      await assert.rejects(
        runInPrivateMounts(() => ['/bin/true', 'true']),
        /the root folder \/ is expected to be a mount point, it is a plain folder/,
      );
    } finally {
      check(syscall(NR.fchdir, root), 'go back to the root');
      check(syscall(NR.chroot, '.'), 'leave the folder');
      check(syscall(NR.fchdir, cwd), 'go back to where we were');
    }
  } finally {
    close(root);
    close(cwd);
    removeTree(folder);
  }
});
