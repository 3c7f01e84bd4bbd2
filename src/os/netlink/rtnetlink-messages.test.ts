import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addAddress, decodeAddress, deleteAddress } from './address.ts';
import { AF_INET, AF_INET6 } from './ip-address.ts';
import { addLink, decodeLink, setLink } from './link.ts';
import type { Message, Request } from './message.ts';
import { decodeNeighbour, NUD, setNeighbour } from './neighbour.ts';
import { addRoute, decodeRoute, deleteRoute, RT_SCOPE, RTN, RTNH_F_ONLINK } from './route.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const lines = (...text: string[]): string => text.join('').replaceAll(' ', '');
/** What the kernel would tell of what was asked for: requests and answers have one form. */
const told = ({ type, payload }: Request): Message => ({ type, flags: 0, sequence: 1, payload });

test('a veth pair is one request with both names', () => {
  const request = addLink({ name: 'a', kind: 'veth', mtu: 1400, peer: { name: 'b', namespace: { fd: 9 } } });
  assert.equal(request.type, 16);
  assert.equal(
    hex(request.payload),
    lines(
      '00000000 00000000 00000000 00000000',
      '0600 0300 6100 0000', // IFLA_IFNAME "a"
      '0800 0400 78050000', // IFLA_MTU 1400
      '3800 1280', // IFLA_LINKINFO
      '0900 0100 76657468 00000000', // "veth"
      '2800 0280', // IFLA_INFO_DATA
      '2400 0100', // VETH_INFO_PEER
      '00000000 00000000 00000000 00000000',
      '0600 0300 6200 0000', // IFLA_IFNAME "b"
      '0800 1c00 09000000', // IFLA_NET_NS_FD
    ),
  );
  assert.equal(request.what, 'add the veth interface a');
});

test('an interface goes up or down only when asked to', () => {
  const flagsOf = ({ payload }: Request) => hex(payload.subarray(8, 16));
  assert.equal(flagsOf(setLink(2, { mtu: 1500 })), '0000000000000000');
  assert.equal(flagsOf(setLink(2, { up: true })), '0100000001000000');
  assert.equal(flagsOf(setLink(2, { up: false })), '0000000001000000');
});

test('an interface is read with its kind, address and state', () => {
  const link = decodeLink(
    told(
      addLink({
        name: 'eth0',
        kind: 'dummy',
        macAddress: '02:00:00:00:00:01',
        mtu: 9000,
        up: true,
        parent: 4,
        master: 5,
      }),
    ),
  );
  assert.deepEqual(link, {
    index: 0,
    name: 'eth0',
    hardwareType: 0,
    flags: 1,
    up: true,
    mtu: 9000,
    macAddress: '02:00:00:00:00:01',
    kind: 'dummy',
    master: 5,
    parent: 4,
    statistics: undefined,
  });
});

test('an address is asked for and told in the same words', () => {
  const request = addAddress({ address: '10.0.0.2', prefixLength: 24, link: 3, broadcast: '10.0.0.255' });
  assert.equal(
    hex(request.payload),
    lines('02 18 00 00 03000000', '0800 0200 0a000002', '0800 0100 0a000002', '0800 0400 0a0000ff'),
  );
  const told6 = decodeAddress(
    told(addAddress({ address: 'fd00::2', prefixLength: 64, link: 3, scope: 253, flags: 2 })),
  );
  const expected = { address: 'fd00::2', prefixLength: 64, link: 3, scope: 253, flags: 2, family: AF_INET6 };
  assert.deepEqual(told6, expected);
  assert.equal(
    deleteAddress({ address: 'fd00::2', prefixLength: 64, link: 3 }).what,
    'delete address fd00::2/64 of interface 3',
  );
});

test('a default route names no destination, and its family is that of its gateway', () => {
  assert.equal(
    hex(addRoute({ gateway: '10.0.0.1', link: 3 }).payload),
    lines('02 00 00 00 fe 03 00 01 00000000', '0800 0f00 fe000000', '0800 0500 0a000001', '0800 0400 03000000'),
  );
  assert.equal(addRoute({ gateway: 'fd00::1' }).payload[0], AF_INET6);
  assert.throws(() => addRoute({ link: 3 }), { code: 'invalid-argument', hint: /0\.0\.0\.0\/0 or ::\/0/ });
});

test('a route is read with all that was asked for', () => {
  const route = {
    destination: '10.1.0.0/16',
    gateway: '10.0.0.1',
    link: 3,
    source: '10.0.0.2',
    flags: RTNH_F_ONLINK,
    priority: 100,
    mtu: 1400,
    table: 1000,
    protocol: 4,
    type: RTN.UNICAST,
    scope: RT_SCOPE.SITE,
  };
  assert.deepEqual(decodeRoute(told(addRoute({ ...route, destination: '10.1.2.3/16' }))), {
    ...route,
    family: AF_INET,
  });
});

test('a gateway of the other family is told as such', () => {
  const route = decodeRoute(told(addRoute({ destination: '10.1.0.0/16', gateway: 'fe80::1', link: 3 })));
  assert.equal(route?.gateway, 'fe80::1');
  assert.equal(route?.family, AF_INET);
});

test('the scope of an IPv4 route without a gateway is its link, as ip-route(8) has it', () => {
  const scopeOf = (request: Request) => request.payload[6];
  assert.equal(scopeOf(addRoute({ destination: '10.0.0.0/8', link: 3 })), RT_SCOPE.LINK);
  assert.equal(scopeOf(addRoute({ destination: '10.0.0.0/8', gateway: '10.0.0.1' })), RT_SCOPE.UNIVERSE);
  assert.equal(scopeOf(addRoute({ destination: '10.0.0.1', type: RTN.LOCAL })), RT_SCOPE.HOST);
  assert.equal(scopeOf(addRoute({ destination: '10.0.0.0/8', type: RTN.BLACKHOLE })), RT_SCOPE.UNIVERSE);
  assert.equal(scopeOf(addRoute({ destination: 'fd00::/8', link: 3 })), RT_SCOPE.UNIVERSE);
  assert.equal(scopeOf(deleteRoute({ destination: '10.0.0.0/8' })), RT_SCOPE.NOWHERE);
});

test("the kernel's remembered decisions are no routes", () => {
  const message = told(addRoute({ destination: 'fd00::1', link: 3 }));
  new DataView(message.payload.buffer).setUint32(8, 0x200, true);
  assert.equal(decodeRoute(message), null);
});

test('a neighbour is permanent unless said otherwise', () => {
  const request = setNeighbour({ address: '10.0.0.1', link: 3, macAddress: '02:00:00:00:00:01' });
  assert.equal(
    hex(request.payload),
    lines('02 000000 03000000 8000 00 00', '0800 0100 0a000001', '0a00 0200 020000000001 0000'),
  );
  const stale = decodeNeighbour(told(setNeighbour({ address: 'fd00::1', link: 3, state: NUD.STALE, flags: 0x80 })));
  assert.deepEqual(stale, {
    family: AF_INET6,
    address: 'fd00::1',
    macAddress: '',
    link: 3,
    state: NUD.STALE,
    flags: 0x80,
    type: 0,
  });
});

test("a bridge's table is not taken for neighbours", () => {
  const message = told(setNeighbour({ address: '10.0.0.1', link: 3 }));
  message.payload[0] = 7;
  assert.equal(decodeNeighbour(message), null);
});
