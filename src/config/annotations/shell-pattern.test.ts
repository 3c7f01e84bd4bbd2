import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPlainPath, matchesPattern } from './shell-pattern.ts';

test('a pattern matches as the shell’s do, and never across a slash', () => {
  const yes: [pattern: string, path: string][] = [
    ['/usr/bin/qemu', '/usr/bin/qemu'],
    ['/usr/bin/*', '/usr/bin/qemu-system-x86_64'],
    ['/opt/*/bin/q?mu', '/opt/kata/bin/qemu'],
    ['/dev/[ur]*', '/dev/urandom'],
    ['/dev/[^u]*', '/dev/random'],
    ['/dev/[!u]*', '/dev/random'],
    ['/a\\*b', '/a*b'],
    ['/a.b', '/a.b'],
    ['', ''],
  ];
  const no: [pattern: string, path: string][] = [
    ['/usr/bin/*', '/usr/bin/a/b'],
    ['/usr/*', '/usr'],
    ['/usr/bin/qemu', '/usr/bin/qemu2'],
    ['usr/bin/qemu', '/usr/bin/qemu'],
    ['/a?b', '/a/b'],
    ['/a[^x]b', '/a/b'],
    ['/a.b', '/axb'],
    ['/a\\*b', '/axb'],
    ['/a[', '/a['],
    ['/a\\', '/a\\'],
    ['', '/a'],
  ];
  for (const [pattern, path] of yes) assert.equal(matchesPattern(pattern, path), true, `${pattern} ${path}`);
  for (const [pattern, path] of no) assert.equal(matchesPattern(pattern, path), false, `${pattern} ${path}`);
});

test('a plain path leads where it says', () => {
  for (const path of ['/a', '/a/b.c', '/a/..b', '/a/...']) assert.equal(isPlainPath(path), true, path);
  for (const path of ['', 'a', '/', '/a/', '//a', '/a//b', '/a/.', '/a/./b', '/..', '/../a', '/a/../b', '/a\0'])
    assert.equal(isPlainPath(path), false, path);
});
