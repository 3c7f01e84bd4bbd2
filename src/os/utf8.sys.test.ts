import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8Decode, utf8Encode } from './utf8.ts';

test('text is encoded and decoded, NUL and all planes included', () => {
  for (const text of ['', 'plain', 'a\0b', 'grüße', '日本語', '🦀 crab', '\ufeffmark', 'x'.repeat(100_000)]) {
    assert.equal(utf8Decode(utf8Encode(text)), text);
  }
  assert.deepEqual(utf8Encode('ü€🦀'), Uint8Array.of(0xc3, 0xbc, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0xa6, 0x80));
});

test('a part of a buffer is decoded as that part', () => {
  const bytes = utf8Encode('hello world');
  assert.equal(utf8Decode(bytes.subarray(6, 9)), 'wor');
  assert.equal(utf8Decode(bytes.subarray(3, 3)), '');
});

test('bytes that are no UTF-8 become replacement characters, not an error', () => {
  assert.equal(utf8Decode(Uint8Array.of(0x61, 0xff, 0x62)), 'a\ufffdb');
  assert.equal(utf8Decode(Uint8Array.of(0xc3)), '\ufffd');
  assert.equal(utf8Decode(Uint8Array.of(0x61, 0xe2, 0x82)).startsWith('a\ufffd'), true);
});
