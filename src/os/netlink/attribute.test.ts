import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Attributes, AttributeWriter, listAttributes } from './attribute.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('attributes stand in the bytes that the kernel reads, each filled up to four', () => {
  const bytes = new AttributeWriter()
    .string(3, 'eth0')
    .u8(1, 7)
    .flag(9)
    .nested(18, (info) => info.u32(2, 1500))
    .encoded();
  assert.equal(
    hex(bytes),
    [
      '0900 0300 65746830 00 000000', // "eth0" and its NUL
      '0500 0100 07 000000',
      '0400 0900',
      '0c00 1280 0800 0200 dc050000', // nested, marked as such
    ]
      .join('')
      .replaceAll(' ', ''),
  );
});

test('what was written is read back', () => {
  const attributes = new Attributes(
    new AttributeWriter()
      .u8(1, 255)
      .u16(2, 0xfffe)
      .u32(3, 0xfffffffd)
      .u64(4, 0xfffffffffffffffcn)
      .string(5, 'grüße')
      .nested(6, (inner) => inner.nested(7, (innermost) => innermost.u8(8, 9)))
      .flag(10)
      .encoded(),
  );
  assert.equal(attributes.u8(1), 255);
  assert.equal(attributes.u16(2), 0xfffe);
  assert.equal(attributes.u32(3), 0xfffffffd);
  assert.equal(attributes.u64(4), 0xfffffffffffffffcn);
  assert.equal(attributes.string(5), 'grüße');
  assert.equal(attributes.nested(6)?.nested(7)?.u8(8), 9);
  assert.equal(attributes.bytes(10)?.length, 0);
  assert.equal(attributes.bytes(11), undefined);
  assert.equal(attributes.u32(11), undefined);
});

test('of several attributes with one type all are listed and the last counts', () => {
  const bytes = new AttributeWriter().u8(1, 1).u8(1, 2).encoded();
  assert.deepEqual(
    listAttributes(bytes).map(({ value }) => value[0]),
    [1, 2],
  );
  assert.equal(new Attributes(bytes).u8(1), 2);
});

test('text without a NUL ends with its bytes', () => {
  assert.equal(new Attributes(new AttributeWriter().bytes(1, Uint8Array.of(0x61, 0x62)).encoded()).string(1), 'ab');
});

test('attributes that do not hold together are refused', () => {
  for (const wrong of [
    [3, 0, 1, 0],
    [0, 0, 1, 0],
    [9, 0, 1, 0, 1, 2, 3, 4],
  ])
    assert.throws(() => listAttributes(Uint8Array.from(wrong)), { code: 'data-loss' });
  assert.throws(() => new Attributes(new AttributeWriter().u16(1, 5).encoded()).u32(1), {
    message: 'netlink attribute 1 of 4 bytes is expected, found 2',
  });
});
