import assert from 'node:assert/strict';
import { test } from 'node:test';
import { syscall } from 'sys';
import { inChild } from '../../test/harness/in-child.ts';
import { NR } from '../syscall/numbers.ts';
import { listDirectory, makeTemporaryDirectory, removeDirectory } from './directory.ts';
import { check } from './errno.ts';
import { close, O, open, readSync, writeSync } from './fd.ts';
import { readlink } from './file.ts';
import { mount, umount } from './mount.ts';
import { openPty, type Pty } from './pty.ts';
import { getTermios, getWindowSize, isTty, makeRaw, setControllingTerminal, setWindowSize } from './tty.ts';
import { utf8Decode, utf8Encode } from './utf8.ts';

function withPty(body: (pty: Pty) => void, ptmx?: string): void {
  const pty = openPty(ptmx);
  try {
    body(pty);
  } finally {
    close(pty.controllerFd);
    close(pty.terminalFd);
  }
}

function readOnce(fd: number): string {
  const buffer = new Uint8Array(256);
  return utf8Decode(buffer.subarray(0, readSync(fd, buffer)));
}

test('what a program prints on its terminal arrives with carriage returns, what is typed is echoed', () =>
  withPty(({ controllerFd, terminalFd }) => {
    writeSync(terminalFd, utf8Encode('one\n'));
    assert.equal(readOnce(controllerFd), 'one\r\n');
    writeSync(controllerFd, utf8Encode('two\n'));
    assert.equal(readOnce(terminalFd), 'two\n');
    assert.equal(readOnce(controllerFd), 'two\r\n');
  }));

test('a raw terminal passes every byte as it is, and is itself again afterwards', () =>
  withPty(({ controllerFd, terminalFd }) => {
    const before = getTermios(terminalFd);
    const restore = makeRaw(terminalFd);
    writeSync(terminalFd, utf8Encode('a\n'));
    assert.equal(readOnce(controllerFd), 'a\n');
    // Ctrl-C, Ctrl-D and carriage return are bytes, and one is enough to be read.
    writeSync(controllerFd, utf8Encode('\x03\x04\r'));
    assert.equal(readOnce(terminalFd), '\x03\x04\r');
    restore();
    restore();
    assert.deepEqual(getTermios(terminalFd), before);
    assert.notEqual(before[12]! & 0o10, 0);
  }));

test('the window size is set from either end and seen at the other', () =>
  withPty(({ controllerFd, terminalFd }) => {
    assert.deepEqual(getWindowSize(terminalFd), { columns: 0, rows: 0 });
    setWindowSize(controllerFd, { columns: 132, rows: 43 });
    assert.deepEqual(getWindowSize(terminalFd), { columns: 132, rows: 43 });
  }));

test('a pseudo-terminal belongs to the devpts whose multiplexer was opened', () => {
  const folder = makeTemporaryDirectory('/tmp/kata-pty-test-');
  mount('devpts', folder, 'devpts', 0, 'newinstance,ptmxmode=0666,mode=0620');
  withPty(({ terminalFd, number }) => {
    assert.equal(number, 0);
    assert.deepEqual(listDirectory(folder), ['0', 'ptmx']);
    assert.ok(isTty(terminalFd));
    assert.match(readlink(`/proc/self/fd/${terminalFd}`), /\/0$/);
  }, `${folder}/ptmx`);
  umount(folder);
  removeDirectory(folder);
});

test('a pipe and a file are no terminals', () => {
  const fd = open('/dev/null', O.RDONLY);
  assert.equal(isTty(fd), false);
  assert.throws(() => getWindowSize(fd), { errno: 'ENOTTY' });
  assert.throws(() => openPty('/dev/null'), { errno: 'ENOTTY' });
  close(fd);
});

test('a session leader gets a controlling terminal, which is then /dev/tty', () =>
  withPty(({ controllerFd, terminalFd }) => {
    const said = inChild(() => {
      check(syscall(NR.setsid), 'start a session');
      setControllingTerminal(terminalFd);
      writeSync(open('/dev/tty', O.RDWR), utf8Encode('from tty\n'));
      return readOnce(controllerFd);
    });
    assert.equal(said, 'from tty\r\n');
  }));
