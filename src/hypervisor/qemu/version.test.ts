import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkVersion, parseVersionText } from './version.ts';

test('the version is read from what QEMU prints', () => {
  const debian =
    'QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)\nCopyright (c) 2003-2022 Fabrice Bellard\n';
  assert.deepEqual(parseVersionText(debian), {
    major: 7,
    minor: 2,
    micro: 22,
    package: 'Debian 1:7.2+dfsg-7+deb12u18+b3',
  });
  assert.deepEqual(parseVersionText('QEMU emulator version 10.0.2\n'), { major: 10, minor: 0, micro: 2, package: '' });
  assert.equal(parseVersionText('bash: no such file'), null);
});

test('a QEMU before 7.2 is refused in words that name both versions', () => {
  for (const [major, minor] of [
    [7, 2],
    [8, 0],
    [10, 1],
  ] as const)
    checkVersion({ major, minor, micro: 0, package: '' }, '/q');
  assert.throws(() => checkVersion({ major: 7, minor: 1, micro: 9, package: '' }, '/q'), {
    code: 'failed-precondition',
    message: 'QEMU 7.2 or newer is expected, found 7.1.9 at /q',
  });
  assert.throws(() => checkVersion({ major: 6, minor: 9, micro: 0, package: '' }, '/q'), /found 6\.9\.0/);
});
