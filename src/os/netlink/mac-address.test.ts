import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatMac, parseMac } from './mac-address.ts';

test('a MAC address is read in either case and written in lower case', () => {
  assert.deepEqual(parseMac('02:42:AC:11:00:fe'), Uint8Array.of(2, 0x42, 0xac, 0x11, 0, 0xfe));
  assert.equal(formatMac(parseMac('02:42:AC:11:00:fe')), '02:42:ac:11:00:fe');
  assert.equal(formatMac(new Uint8Array(0)), '');
});

test('what is no MAC address is refused', () => {
  for (const wrong of [
    '',
    '02:42:ac:11:00',
    '02:42:ac:11:00:02:03',
    '2:42:ac:11:00:02',
    '02-42-ac-11-00-02',
    '02:42:ac:11:00:0g',
  ])
    assert.throws(() => parseMac(wrong), { code: 'invalid-argument' }, wrong);
});
