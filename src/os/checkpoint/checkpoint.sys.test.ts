import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listDirectory, makeTemporaryDirectory, removeTree } from '../directory.ts';
import { close, O, open } from '../fd.ts';
import { FdStream } from '../fd-stream.ts';
import { readFile, readText, removeFile, writeFile } from '../file.ts';
import { identityOf } from '../file-identity.ts';
import { type ChildProcess, findExecutable, spawn } from '../process.ts';
import { SIGNAL } from '../signal.ts';
import { socketPair } from '../socket.ts';
import { utf8Decode, utf8Encode } from '../utf8.ts';
import type { ProcessImage } from './image.ts';
import { checkImage, restoreImage } from './restore.ts';
import { saveImage } from './save.ts';
import { becomeTraceable } from './tracee.ts';

const QEMU = 'qemu-system-x86_64';
const QMP_FD = 3;

/** A QEMU without a machine: many libraries, several threads, and a protocol that tells whether it is well. */
function startQemu(memoryPath: string): { child: ChildProcess; qmp: FdStream } {
  const [ours, theirs] = socketPair();
  try {
    const args = [
      ...['-machine', 'none,memory-backend=m', '-m', '16M', '-nodefaults', '-nographic', '-sandbox', 'on,spawn=deny'],
      ...['-object', `memory-backend-file,id=m,size=16M,mem-path=${memoryPath},share=on`],
      ...['-chardev', `socket,id=q,fd=${QMP_FD}`, '-mon', 'chardev=q,mode=control', '-name', 'saved,debug-threads=on'],
    ];
    return {
      child: spawn([QEMU, ...args], { fds: new Map([[QMP_FD, theirs]]), newSession: true }),
      qmp: new FdStream(ours),
    };
  } finally {
    close(theirs);
  }
}

function restoreQemu(image: ProcessImage, path: string, memoryPath: string): { child: ChildProcess; qmp: FdStream } {
  const [ours, theirs] = socketPair();
  const [pages, memory] = [open(path, O.RDONLY), open(memoryPath, O.RDONLY)];
  try {
    const fds = new Map([
      [QMP_FD, theirs],
      [image.descriptors.pages, pages],
      [image.descriptors.memory, memory],
    ]);
    const child = spawn([image.executable], { fds, newSession: true, beforeExec: becomeTraceable });
    try {
      restoreImage(child.pid, image, { path, commandLine: () => ['qemu', 'restored'], hasSpare: false });
    } catch (error) {
      child.kill(SIGNAL.KILL);
      throw error;
    }
    return { child, qmp: new FdStream(ours) };
  } finally {
    for (const fd of [theirs, pages, memory]) close(fd);
  }
}

async function ask(qmp: FdStream, command: string): Promise<string> {
  await qmp.write(utf8Encode(`{"execute":"${command}"}\n`));
  return line(qmp);
}

async function line(qmp: FdStream): Promise<string> {
  let text = '';
  while (!text.includes('\n')) {
    const chunk = await qmp.read();
    assert.ok(chunk !== null, `the connection ended behind ${JSON.stringify(text)}`);
    text += utf8Decode(chunk);
  }
  return text;
}

test('a process of several threads is saved, goes on, and is restored twice', async () => {
  const folder = makeTemporaryDirectory('/tmp/kata-ts-checkpoint-');
  const [memoryPath, path] = [`${folder}/memory`, `${folder}/process`];
  const started: ChildProcess[] = [];
  try {
    writeFile(memoryPath, '', 0o600);
    const saved = startQemu(memoryPath);
    started.push(saved.child);
    assert.match(await line(saved.qmp), /"QMP"/);
    assert.match(await ask(saved.qmp, 'qmp_capabilities'), /"return"/);
    const image: ProcessImage = JSON.parse(
      JSON.stringify(await saveImage(saved.child.pid, { path, memoryPath, given: [0, 1, 2, QMP_FD] })),
    );
    assert.match(await ask(saved.qmp, 'query-status'), /"running": true/);
    for (let round = 0; round < 2; round++) {
      const restored = restoreQemu(image, path, memoryPath);
      started.push(restored.child);
      assert.match(await ask(restored.qmp, 'query-name'), /"name": "saved"/);
      const [was, is] = [saved.child.pid, restored.child.pid].map(describe);
      assert.deepEqual(is, { ...was, commandLine: 'qemu restored' });
      assert.match(await ask(restored.qmp, 'quit'), /"host-qmp-quit"|"return"/);
      assert.deepEqual(await restored.child.wait(), { code: 0, signal: 0 });
    }
  } finally {
    for (const child of started) child.kill(SIGNAL.KILL);
    for (const child of started) await child.wait();
    removeTree(folder);
  }
});

/** Saves a QEMU, gives the test what it needs to restore it, and leaves nothing. */
async function withSaved(
  body: (given: { image: ProcessImage; path: string; memoryPath: string; folder: string }) => Promise<void>,
): Promise<void> {
  const folder = makeTemporaryDirectory('/tmp/kata-ts-checkpoint-');
  const [memoryPath, path] = [`${folder}/memory`, `${folder}/process`];
  writeFile(memoryPath, '', 0o600);
  const { child, qmp } = startQemu(memoryPath);
  try {
    await line(qmp);
    await ask(qmp, 'qmp_capabilities');
    await body({
      image: await saveImage(child.pid, { path, memoryPath, given: [0, 1, 2, QMP_FD] }),
      path,
      memoryPath,
      folder,
    });
  } finally {
    child.kill(SIGNAL.KILL);
    await child.wait();
    removeTree(folder);
  }
}

test('a process whose file of pages was cut ends, and can be waited for', () =>
  withSaved(async ({ image, path, memoryPath }) => {
    writeFile(path, readFile(path).subarray(0, image.program.bytes));
    const started = tryToRestore(image, path, memoryPath);
    assert.equal((await started.wait()).signal !== 0, true);
  }));

test('a process that is killed while it is restored is an error, and can be waited for', () =>
  withSaved(async ({ image, path }) => {
    const child = spawn([image.executable], { newSession: true, beforeExec: becomeTraceable });
    child.kill(SIGNAL.KILL);
    assert.throws(
      () => restoreImage(child.pid, image, { path, commandLine: (words) => words, hasSpare: false }),
      /is expected to stop, it ended/,
    );
    assert.equal((await child.wait()).signal, SIGNAL.KILL);
  }));

test('what a program did not get right is an error with the call and its answer', () =>
  withSaved(async ({ image, path }) => {
    // None of the descriptors that it needs.
    const child = spawn([image.executable], { newSession: true, beforeExec: becomeTraceable });
    assert.throws(
      () => restoreImage(child.pid, image, { path, commandLine: (words) => words, hasSpare: false }),
      /map what remakes a process: EBADF/,
    );
    assert.equal((await child.wait()).signal, SIGNAL.KILL);
  }));

test('an image is refused when a library of it was replaced', () =>
  withSaved(async ({ image, folder }) => {
    checkImage(image);
    const copy = `${folder}/library`;
    writeFile(copy, 'one');
    const changed = { ...image, files: [...image.files, identityOf(copy)] };
    checkImage(changed);
    removeFile(copy);
    writeFile(copy, 'another');
    assert.throws(() => checkImage(changed), /library was replaced since/);
  }));

test('what cannot be made again is an error, and the process goes on', async () => {
  const folder = makeTemporaryDirectory('/tmp/kata-ts-checkpoint-');
  writeFile(`${folder}/memory`, '');
  const [ours, theirs] = socketPair();
  // A socket that is not among those that are given.
  const child = spawn(['sleep', '1000'], { fds: new Map([[5, theirs]]), newSession: true });
  try {
    const options = { path: `${folder}/process`, memoryPath: `${folder}/memory`, given: [0, 1, 2] };
    await assert.rejects(
      saveImage(child.pid, options),
      /descriptors that can be made again are expected, found 5: socket/,
    );
    assert.match(readText(`/proc/${child.pid}/status`), /^State:\t[RS] .*$/m);
    assert.match(readText(`/proc/${child.pid}/status`), /^TracerPid:\t0$/m);
  } finally {
    child.kill(SIGNAL.KILL);
    await child.wait();
    for (const fd of [ours, theirs]) close(fd);
    removeTree(folder);
  }
});

/** A process that was restored, or that failed to be. */
function tryToRestore(image: ProcessImage, path: string, memoryPath: string): ChildProcess {
  const [pages, memory] = [open(path, O.RDONLY), open(memoryPath, O.RDONLY)];
  const fds = new Map([
    [image.descriptors.pages, pages],
    [image.descriptors.memory, memory],
  ]);
  const child = spawn([image.executable], { fds, newSession: true, beforeExec: becomeTraceable });
  try {
    restoreImage(child.pid, image, { path, commandLine: (words) => words, hasSpare: false });
  } catch {
    // As it comes: what is asked is how it ends.
  } finally {
    close(pages);
    close(memory);
  }
  return child;
}

/** What can be seen of a process from outside. */
function describe(pid: number) {
  const status = readText(`/proc/${pid}/status`);
  const field = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)![1]!;
  return {
    name: field('Name'),
    threads: listDirectory(`/proc/${pid}/task`)
      .map((tid) => readText(`/proc/${pid}/task/${tid}/comm`))
      .sort(),
    signals: ['SigBlk', 'SigIgn', 'SigCgt'].map(field),
    confinement: ['NoNewPrivs', 'Seccomp', 'Seccomp_filters'].map(field),
    commandLine: readText(`/proc/${pid}/cmdline`)
      .replace(/\0+/g, ' ')
      .trim()
      .replace(findExecutable(QEMU), QEMU)
      .split(' -')[0],
  };
}
