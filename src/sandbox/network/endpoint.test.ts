import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Link } from '../../os/netlink/link.ts';
import { endpointKind } from './endpoint.ts';

const link = (kind: string, more: Partial<Link> = {}): Link => ({
  ...{ index: 2, name: 'eth0', hardwareType: 1, flags: 0, up: true, mtu: 1500, macAddress: '02:00:00:00:00:01' },
  ...{ kind, master: 0, parent: 0, statistics: undefined },
  ...more,
});

test('interfaces that carry frames are connected by a tap of ours', () => {
  for (const kind of ['veth', 'macvlan', 'ipvlan', 'vlan', ''])
    assert.equal(endpointKind(link(kind), undefined), 'interface');
});

test('taps and macvtaps have a guest’s end themselves', () => {
  assert.equal(endpointKind(link('tun', { tunType: 'tap' }), undefined), 'tap');
  assert.equal(endpointKind(link('macvtap'), undefined), 'macvtap');
});

test('a physical device is told by its PCI address, and refused with what it would take', () => {
  assert.throws(() => endpointKind(link(''), '0000:00:03.0'), /eth0 is the physical device 0000:00:03\.0, .* by VFIO/);
});

test('what cannot be connected is refused by name and kind', () => {
  assert.throws(() => endpointKind(link('netkit'), undefined), /Unsupported network interface: eth0 of kind netkit/);
  assert.throws(() => endpointKind(link('tun', { tunType: 'tun' }), undefined), /eth0 of kind tun \(packets without/);
  assert.throws(() => endpointKind(link('', { hardwareType: 32 }), undefined), /eth0 of kind hardware type 32/);
});
