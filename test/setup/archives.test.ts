// What set-up writes with its own hands, read back by other programs.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { cpio } from '../../setup/cpio.mjs';
import { tar } from '../../setup/tar.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'kata-ts-archives-'));
after(() => rmSync(folder, { recursive: true }));

const unpack = (into: string, archive: Uint8Array, program: string, ...args: string[]) => {
  const target = mkdtempSync(path.join(folder, into));
  const { status, stderr } = spawnSync(program, args, { cwd: target, input: archive });
  assert.equal(status, 0, String(stderr));
  return target;
};

const long = new Uint8Array(1001).fill(7);

describe('the initrd', () => {
  const archive = cpio([
    { name: 'lib', mode: 0o040755 },
    { name: 'lib/odd', mode: 0o100640, content: Buffer.from('odd') },
    { name: 'lib/long', mode: 0o100755, content: long },
    { name: 'link', mode: 0o120777, content: Buffer.from('lib/odd') },
  ]);

  it('unpacks to the files, modes and links that were put in', () => {
    const target = unpack('cpio', archive, 'busybox', 'cpio', '-idm');
    assert.equal(readFileSync(path.join(target, 'lib/odd'), 'utf8'), 'odd');
    assert.equal(statSync(path.join(target, 'lib/odd')).mode & 0o7777, 0o640);
    assert.deepEqual(new Uint8Array(readFileSync(path.join(target, 'lib/long'))), long);
    assert.equal(readlinkSync(path.join(target, 'link')), 'lib/odd');
  });

  it('may be two archives, one behind the other: the first ends where the kernel looks for the next', () => {
    assert.equal(archive.length % 4, 0);
  });
});

describe('an image layer', () => {
  const entries = [
    { name: 'tmp/', mode: 0o1777 },
    { name: 'bin/', mode: 0o755 },
    { name: 'bin/busybox', mode: 0o755, content: long },
    { name: 'bin/sh', mode: 0o777, target: 'busybox' },
  ];

  it('unpacks to the files, modes and links that were put in', () => {
    const target = unpack('tar', tar(entries), 'tar', '-xp');
    assert.equal(statSync(path.join(target, 'tmp')).mode & 0o7777, 0o1777);
    assert.deepEqual(new Uint8Array(readFileSync(path.join(target, 'bin/busybox'))), long);
    assert.equal(readlinkSync(path.join(target, 'bin/sh')), 'busybox');
  });

  it('is the same bytes whenever it is made, so that its digest is', () => {
    assert.deepEqual(tar(entries), tar(entries));
    assert.equal(statSync(path.join(unpack('mtime', tar(entries), 'tar', '-xp'), 'bin/busybox')).mtimeMs, 0);
  });
});
