import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listDirectory, makeTemporaryDirectory, removeTree } from './directory.ts';
import { writeFile } from './file.ts';
import { kernelRelease, loadedModules, loadModuleFile, loadModuleImage, ModuleLoader } from './module.ts';

function withFolder(body: (folder: string) => void): void {
  const folder = makeTemporaryDirectory('/tmp/kata-module-test-');
  try {
    body(folder);
  } finally {
    removeTree(folder);
  }
}

test('a module that is part of the kernel needs no file, one that is nowhere is named', () =>
  withFolder((folder) => {
    const loader = new ModuleLoader(folder);
    // Every Linux has this one, built in or loaded, unless it has no printk.
    const present = listDirectory('/sys/module')[0]!;
    assert.equal(loader.has(present), true);
    loader.load(present);
    assert.equal(loader.has('kata_nothing'), false);
    assert.throws(() => loader.load('kata_nothing'), {
      code: 'not-found',
      message: `the kernel module kata_nothing is expected in ${folder}/modules.dep, it is not there`,
    });
  }));

test('a file that is no module is refused by the kernel, with its path in the error', () =>
  withFolder((folder) => {
    writeFile(`${folder}/broken.ko`, 'this is no ELF file, and long enough to be read as one by a careless kernel');
    writeFile(`${folder}/modules.dep`, 'broken.ko:\n');
    assert.throws(() => new ModuleLoader(folder).load('broken'), {
      message: /load the kernel module .*\/broken\.ko: (ENOEXEC|ENOSYS|EPERM)/,
    });
    assert.throws(() => loadModuleFile(`${folder}/missing.ko`), { errno: 'ENOENT' });
    assert.throws(() => loadModuleImage('broken', new Uint8Array(100)), { message: /ENOEXEC|ENOSYS|EPERM/ });
  }));

test('the kernel says its release, and its modules have names without dashes', () => {
  assert.match(kernelRelease(), /^\d+\.\d+/);
  for (const name of loadedModules()) assert.match(name, /^\w+$/);
});
