import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseReference, shortName } from './reference.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}`;
const nameOf = (text: string): string => parseReference(text, '/home/me').name;

test('a name means what it means to docker', () => {
  const cases = {
    busybox: 'docker.io/library/busybox:latest',
    'busybox:1.36': 'docker.io/library/busybox:1.36',
    'owner/app': 'docker.io/owner/app:latest',
    'docker.io/busybox': 'docker.io/library/busybox:latest',
    'index.docker.io/owner/app:v1': 'docker.io/owner/app:v1',
    'ghcr.io/owner/deep/app': 'ghcr.io/owner/deep/app:latest',
    'localhost/app': 'localhost/app:latest',
    'localhost:5000/app:v1.0_x-2': 'localhost:5000/app:v1.0_x-2',
    '[::1]:5000/app': '[::1]:5000/app:latest',
    'registry.example:443/a_b/c__d/e--f.g': 'registry.example:443/a_b/c__d/e--f.g:latest',
    [`busybox@${DIGEST}`]: `docker.io/library/busybox@${DIGEST}`,
    [`ghcr.io/a/b:tag@${DIGEST}`]: `ghcr.io/a/b@${DIGEST}`,
    'docker://alpine': 'docker.io/library/alpine:latest',
    oci: 'docker.io/library/oci:latest',
  };
  for (const [text, name] of Object.entries(cases)) {
    assert.equal(nameOf(text), name, text);
    assert.equal(parseReference(text, '/').source, `docker://${name}`);
  }
});

test('files and folders of this machine are named by their whole path', () => {
  assert.deepEqual(parseReference('oci:images/app:v1', '/home/me'), {
    transport: 'oci',
    source: 'oci:/home/me/images/app:v1',
    name: 'oci:/home/me/images/app:v1',
  });
  assert.equal(nameOf('dir:/a:b'), 'dir:/a:b');
  assert.equal(nameOf('docker-archive:./app.tar:app:v1'), 'docker-archive:/home/me/app.tar:app:v1');
  assert.equal(nameOf('oci-archive:/app.tar'), 'oci-archive:/app.tar');
});

test('what is no reference is refused, with what one looks like', () => {
  const wrong = [
    '',
    'Busybox',
    'a//b',
    '/a',
    'a/',
    'busybox:',
    'busybox:-x',
    `busybox:${'t'.repeat(129)}`,
    'busybox@sha256:abc',
    `busybox@${DIGEST.toUpperCase()}`,
    'a b',
    'a\nb',
    '-v',
    '--help',
    '../x',
    'x'.repeat(300),
    'oci:',
    'dir:',
    'oci:/a\nb',
    'docker://',
    'docker-daemon:busybox',
    'https://example.com/app',
  ];
  for (const text of wrong)
    assert.throws(
      () => parseReference(text, '/'),
      (error: { code: string; hint?: string }) =>
        error.code === 'invalid-argument' && error.hint?.includes('busybox') === true,
      JSON.stringify(text),
    );
});

test('a list shows names as people write them', () => {
  assert.equal(shortName('docker.io/library/busybox:latest'), 'busybox');
  assert.equal(shortName('docker.io/owner/app:v1'), 'owner/app:v1');
  assert.equal(shortName('ghcr.io/owner/app:latest'), 'ghcr.io/owner/app');
  assert.equal(shortName(`docker.io/library/busybox@${DIGEST}`), `busybox@${DIGEST}`);
});
