import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { close } from '../fd.ts';
import { inNamespace, newNamespace, setns } from '../namespace.ts';
import { runChecked } from '../process.ts';
import { interfaceIndex, interfacePciAddress } from './interface-ioctl.ts';
import { addLink } from './link.ts';
import { Rtnetlink } from './rtnetlink.ts';
import { addIngress, addRedirect, deleteIngress, deleteRedirect, limitRate, unlimitRate } from './traffic-control.ts';
import { openTap, setTapOffloads } from './tuntap.ts';

let namespace = -1;
let net: Rtnetlink;
let tapFd = -1;
let [link, tap] = [0, 0];

before(async () => {
  namespace = newNamespace('net');
  net = inNamespace(namespace, 'net', () => Rtnetlink.open());
  await net.apply(addLink({ name: 'eth0', kind: 'veth', peer: { name: 'far' } }));
  tapFd = inNamespace(namespace, 'net', () => openTap({ name: 'tap0_kata' }).fds[0]!);
  [link, tap] = inNamespace(namespace, 'net', () => [interfaceIndex('eth0'), interfaceIndex('tap0_kata')] as const) as [
    number,
    number,
  ];
});

after(() => {
  net.close();
  close(tapFd);
  close(namespace);
});

/** What the field's own tool sees. */
const tc = (...args: string[]): Promise<string> =>
  runChecked(['tc', ...args], { beforeExec: () => setns(namespace, 'net') });

test('what an interface receives is redirected to another one, and no longer once that is undone', async () => {
  await net.apply(addIngress(link), addRedirect({ from: link, to: tap, priority: 49152 }));
  const shown = await tc('filter', 'show', 'dev', 'eth0', 'ingress');
  assert.match(shown, /protocol all pref 49152 u32/);
  assert.match(shown, /mirred \(Egress Redirect to device tap0_kata\) stolen/);
  assert.deepEqual(
    (await net.qdiscs()).filter(({ kind }) => kind === 'ingress').map((qdisc) => qdisc.link),
    [link],
  );
  const [again] = await net.batch([addIngress(link)]);
  assert.equal(again?.errno, 'EEXIST');
  await net.apply(deleteRedirect({ from: link, priority: 49152 }));
  assert.equal(await tc('filter', 'show', 'dev', 'eth0', 'ingress'), '');
  await net.apply(deleteIngress(link));
  assert.doesNotMatch(await tc('qdisc', 'show', 'dev', 'eth0'), /ingress/);
});

test('a rate is kept as it was asked for, also one that no 32 bits hold, and goes', async () => {
  for (const [rate, text] of [
    [8_000_000n, '8Mbit'],
    [100_000_000_000n, '100Gbit'],
  ] as const) {
    await net.apply(...limitRate(tap, rate));
    const shown = await tc('class', 'show', 'dev', 'tap0_kata');
    assert.match(shown, new RegExp(`class htb 1:2 parent 1:1 .*rate ${text} ceil ${text}`));
    await net.apply(unlimitRate(tap));
    assert.equal(await tc('class', 'show', 'dev', 'tap0_kata'), '');
  }
  assert.throws(() => limitRate(tap, 7n), /a rate of at least 8 bit\/s is expected, found 7/);
});

test('an interface without a device has no place on the PCI bus, and an unknown one no index', () => {
  inNamespace(namespace, 'net', () => {
    assert.equal(interfacePciAddress('eth0'), undefined);
    assert.throws(() => interfaceIndex('nothing'), /find the interface nothing: ENODEV/);
  });
});

test('a tap takes what a guest has agreed to', () => {
  setTapOffloads(tapFd, '0100000110');
  setTapOffloads(tapFd, '');
});
