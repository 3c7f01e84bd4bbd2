import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import { AF_INET, AF_INET6, familyOf, formatIp, formatPrefix, parseIp, parsePrefix, tryParseIp } from './ip-address.ts';

const hex = (bytes: Uint8Array | null): string | null => bytes && Buffer.from(bytes).toString('hex');

test('IPv4 addresses are four numbers and come back as they were', () => {
  assert.equal(hex(parseIp('192.168.0.255')), 'c0a800ff');
  assert.equal(formatIp(parseIp('0.0.0.0')), '0.0.0.0');
  assert.equal(familyOf(parseIp('1.2.3.4')), AF_INET);
});

test('IPv6 addresses are read in every form they are written in', () => {
  const cases: [string, string][] = [
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['1::', '00010000000000000000000000000000'],
    ['fe80::1:2', 'fe800000000000000000000000010002'],
    ['2001:db8:0:0:0:0:0:1', '20010db8000000000000000000000001'],
    ['2001:DB8::ABCD', '20010db800000000000000000000abcd'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['1:2:3:4:5:6:7::', '00010002000300040005000600070000'],
    ['::ffff:10.0.0.1', '00000000000000000000ffff0a000001'],
    ['64:ff9b::192.0.2.33', '0064ff9b0000000000000000c0000221'],
    ['1:2:3:4:5:6:1.2.3.4', '00010002000300040005000601020304'],
  ];
  for (const [text, bytes] of cases) assert.equal(hex(tryParseIp(text)), bytes, text);
  assert.equal(familyOf(parseIp('::')), AF_INET6);
});

test('what is no address is refused, just as Node refuses it', () => {
  const wrong = [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '1.2.3.256',
    '1.2.3.-4',
    ' 1.2.3.4',
    '1.2.3.4 ',
    '1.2.3.4/8',
    'a.b.c.d',
  ];
  wrong.push(
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '::1:2:3:4:5:6:7:8',
    '12345::',
  );
  wrong.push(
    'g::',
    '1:',
    ':1',
    '::1.2.3',
    '1.2.3.4::',
    '1.2.3.4:5::',
    '::1.2.3.4:5',
    '1:2:3:4:5:6:7:1.2.3.4',
    'fe80::1%eth0',
  );
  for (const text of wrong) {
    assert.equal(tryParseIp(text), null, text);
    if (!text.includes('%')) assert.equal(isIP(text), 0, text);
  }
  assert.throws(() => parseIp('localhost'), { code: 'invalid-argument', message: /found "localhost"/ });
});

test('IPv6 is written in the shortest form of RFC 5952', () => {
  const cases: [string, string][] = [
    ['2001:0db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['0:1:0:0:0:0:0:0', '0:1::'],
    ['::ffff:a00:1', '::ffff:10.0.0.1'],
    ['AB::CD', 'ab::cd'],
  ];
  for (const [text, shortest] of cases) assert.equal(formatIp(parseIp(text)), shortest, text);
});

test('a prefix is an address and a number of bits that fits it', () => {
  assert.deepEqual(parsePrefix('10.1.2.3/16'), { address: Uint8Array.of(10, 1, 2, 3), prefixLength: 16 });
  assert.equal(parsePrefix('10.1.2.3').prefixLength, 32);
  assert.equal(parsePrefix('fd00::/0').prefixLength, 0);
  assert.equal(parsePrefix('fd00::1').prefixLength, 128);
  assert.equal(formatPrefix(parsePrefix('fd00:0::/8')), 'fd00::/8');
  for (const wrong of ['10.0.0.0/33', 'fd00::/129', '10.0.0.0/', '10.0.0.0/-1', '10.0.0.0/8/8', '/8', 'x/8', ''])
    assert.throws(() => parsePrefix(wrong), { code: 'invalid-argument' }, wrong);
});
