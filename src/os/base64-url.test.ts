import assert from 'node:assert/strict';
import { test } from 'node:test';
import { base64Url } from './base64-url.ts';

test('bytes become what RFC 4648 says, whatever their number', () => {
  for (const text of ['', 'f', 'fo', 'foo', 'foob', 'fooba', 'foobar', '/var/lib/kubelet/pods/ÿþ/mount']) {
    const expected = Buffer.from(text).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
    assert.equal(base64Url(Buffer.from(text)), expected);
  }
  const all = Uint8Array.from({ length: 256 }, (_, value) => value);
  assert.equal(base64Url(all), Buffer.from(all).toString('base64').replaceAll('+', '-').replaceAll('/', '_'));
});
