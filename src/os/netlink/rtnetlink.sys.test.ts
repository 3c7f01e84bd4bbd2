import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { listDirectory } from '../directory.ts';
import { close } from '../fd.ts';
import { exists } from '../file.ts';
import { inNamespace, newNamespace, setns } from '../namespace.ts';
import { runChecked } from '../process.ts';
import { addAddress, deleteAddress, IFA_F } from './address.ts';
import { AF_INET, AF_INET6 } from './ip-address.ts';
import { addLink, deleteLink, setLink } from './link.ts';
import { deleteNeighbour, NUD, setNeighbour } from './neighbour.ts';
import { addRoute, deleteRoute, RT_TABLE, RTN } from './route.ts';
import { Rtnetlink } from './rtnetlink.ts';
import { openTap } from './tuntap.ts';

let here = -1;
let there = -1;
let net: Rtnetlink;
let other: Rtnetlink;

before(() => {
  here = newNamespace('net');
  there = newNamespace('net');
  net = inNamespace(here, 'net', () => Rtnetlink.open());
  other = inNamespace(there, 'net', () => Rtnetlink.open());
});

after(() => {
  net.close();
  other.close();
  close(here);
  close(there);
});

/** What the field's own tool sees. */
const ip = async (...args: string[]): Promise<Record<string, unknown>[]> =>
  JSON.parse(await runChecked(['ip', '-json', '-details', ...args], { beforeExec: () => setns(here, 'net') }));

const indexOf = async (name: string): Promise<number> => {
  const link = await net.linkByName(name);
  assert.ok(link, `an interface ${name}`);
  return link.index;
};

test('a new network namespace has just the loopback, which is down and comes up', async () => {
  const links = await net.links();
  assert.deepEqual(
    links.map(({ name, up, hardwareType, mtu }) => ({ name, up, hardwareType, mtu })),
    [{ name: 'lo', up: false, hardwareType: 772, mtu: 65536 }],
  );
  await net.apply(setLink(links[0]!.index, { up: true }));
  assert.equal((await net.linkByName('lo'))?.up, true);
  assert.deepEqual(
    (await net.addresses(1)).map(({ address, prefixLength }) => `${address}/${prefixLength}`),
    ['127.0.0.1/8', '::1/128'],
  );
});

test('an interface that does not exist is null by name and by hardware address', async () => {
  assert.equal(await net.linkByName('nothing'), null);
  assert.equal(await net.linkByMac('02:00:00:00:00:99'), null);
});

test('a veth pair has one end here and one in another namespace, with names, sizes and addresses as asked', async () => {
  await net.apply(
    addLink({
      name: 'veth0',
      kind: 'veth',
      mtu: 1400,
      macAddress: '02:00:00:00:00:01',
      up: true,
      peer: { name: 'far', macAddress: '02:00:00:00:00:02', namespace: { fd: there } },
    }),
  );
  const near = await net.linkByMac('02:00:00:00:00:01');
  assert.equal(near?.name, 'veth0');
  assert.equal(near?.kind, 'veth');
  assert.equal(near?.mtu, 1400);
  assert.equal(near?.up, true);
  const far = await other.linkByMac('02:00:00:00:00:02');
  assert.equal(far?.name, 'far');
  assert.equal(far?.up, false);
  const [seen] = await ip('link', 'show', 'veth0');
  assert.equal(seen?.address, '02:00:00:00:00:01');
  assert.equal(seen?.mtu, 1400);
});

test('an interface is renamed, resized, moved to another namespace and deleted', async () => {
  await net.apply(addLink({ name: 'first', kind: 'veth', peer: { name: 'second' } }));
  const index = await indexOf('first');
  await net.apply(setLink(index, { name: 'eth7', mtu: 1280, macAddress: '02:00:00:00:00:07', txQueueLength: 5 }));
  const [seen] = await ip('link', 'show', 'eth7');
  assert.deepEqual([seen?.mtu, seen?.address, seen?.txqlen], [1280, '02:00:00:00:00:07', 5]);
  await net.apply(setLink(index, { namespace: { fd: there } }));
  assert.equal(await net.linkByName('eth7'), null);
  const moved = await other.linkByName('eth7');
  assert.equal(moved?.mtu, 1280);
  await other.apply(deleteLink(moved!.index));
  assert.equal(await other.linkByName('eth7'), null);
  assert.equal(await net.linkByName('second'), null);
});

test('an interface joins a bridge and leaves it', async () => {
  await net.apply(addLink({ name: 'br0', kind: 'bridge' }), addLink({ name: 'port', kind: 'veth' }));
  const [bridge, port] = [await indexOf('br0'), await indexOf('port')];
  await net.apply(setLink(port, { master: bridge }));
  assert.equal((await net.linkByName('port'))?.master, bridge);
  await net.apply(setLink(port, { master: 0 }));
  assert.equal((await net.linkByName('port'))?.master, 0);
  await net.apply(deleteLink(bridge), deleteLink(port));
});

test('addresses of both families are added, listed as ip(8) lists them, and taken away', async () => {
  const link = await indexOf('veth0');
  await net.apply(
    addAddress({ address: '10.0.0.2', prefixLength: 24, link, broadcast: '10.0.0.255' }),
    addAddress({ address: 'fd00::2', prefixLength: 64, link, flags: IFA_F.NODAD }),
    addAddress({ address: '10.0.0.3', prefixLength: 24, link }),
  );
  // Again is fine: UpdateInterface may come twice.
  await net.apply(addAddress({ address: '10.0.0.2', prefixLength: 24, link }));
  const [seen] = await ip('address', 'show', 'veth0');
  const info = seen?.addr_info as { local: string; prefixlen: number; scope: string; nodad?: boolean }[];
  const mine = (await net.addresses(link)).filter(({ address }) => !address.startsWith('fe80'));
  assert.deepEqual(
    info.filter(({ scope }) => scope === 'global').map(({ local, prefixlen }) => `${local}/${prefixlen}`),
    mine.map(({ address, prefixLength }) => `${address}/${prefixLength}`),
  );
  assert.deepEqual(mine.map(({ address, family }) => [address, family]).sort(), [
    ['10.0.0.2', AF_INET],
    ['10.0.0.3', AF_INET],
    ['fd00::2', AF_INET6],
  ]);
  assert.equal((mine.find(({ address }) => address === 'fd00::2')?.flags ?? 0) & IFA_F.TENTATIVE, 0);
  await net.apply(deleteAddress({ address: '10.0.0.3', prefixLength: 24, link }));
  await assert.rejects(net.apply(deleteAddress({ address: '10.0.0.3', prefixLength: 24, link })), {
    errno: 'EADDRNOTAVAIL',
  });
  assert.equal(
    (await net.addresses(link)).some(({ address }) => address === '10.0.0.3'),
    false,
  );
});

test('routes of both families are added, replaced, listed as ip(8) lists them, and deleted', async () => {
  const link = await indexOf('veth0');
  await net.apply(
    addRoute({ gateway: '10.0.0.1', link }),
    addRoute({ destination: '10.9.0.0/16', link, source: '10.0.0.2', mtu: 1300 }),
    addRoute({ destination: '10.8.0.0/16', gateway: '192.0.2.1', link, flags: 4, priority: 50 }),
    addRoute({ destination: 'fd01::/16', gateway: 'fd00::1', link }),
    addRoute({ destination: '10.7.0.0/16', gateway: 'fe80::1', link }),
    addRoute({ destination: '10.6.0.0/16', type: RTN.BLACKHOLE }),
  );
  const find = async (destination: string) => (await net.routes()).find((route) => route.destination === destination);
  assert.equal((await find('0.0.0.0/0'))?.gateway, '10.0.0.1');
  assert.deepEqual(
    await find('10.9.0.0/16').then((route) => [route?.source, route?.mtu, route?.scope, route?.gateway, route?.link]),
    ['10.0.0.2', 1300, 253, '', link],
  );
  assert.deepEqual(
    await find('10.8.0.0/16').then((route) => [route?.gateway, (route?.flags ?? 0) & 4, route?.priority]),
    ['192.0.2.1', 4, 50],
  );
  assert.equal((await find('fd01::/16'))?.gateway, 'fd00::1');
  assert.equal((await find('10.7.0.0/16'))?.gateway, 'fe80::1');
  assert.equal((await find('10.6.0.0/16'))?.type, RTN.BLACKHOLE);
  const seen = await ip('-4', 'route', 'show');
  assert.deepEqual(seen.map(({ dst }) => dst).sort(), [
    '10.0.0.0/24',
    '10.6.0.0/16',
    '10.7.0.0/16',
    '10.8.0.0/16',
    '10.9.0.0/16',
    'default',
  ]);
  await net.apply(addRoute({ gateway: '10.0.0.254', link }));
  assert.equal((await find('0.0.0.0/0'))?.gateway, '10.0.0.254');
  await assert.rejects(net.apply(addRoute({ gateway: '10.0.0.1', link }, { replace: false })), { errno: 'EEXIST' });
  await net.apply(deleteRoute({ destination: '0.0.0.0/0' }), deleteRoute({ destination: 'fd01::/16', link }));
  assert.equal(await find('0.0.0.0/0'), undefined);
  await assert.rejects(net.apply(deleteRoute({ destination: '0.0.0.0/0' })), { errno: 'ESRCH', code: 'not-found' });
});

test('tables are kept apart', async () => {
  const link = await indexOf('veth0');
  await net.apply(addRoute({ destination: '10.5.0.0/16', link, table: 1000 }));
  assert.deepEqual(
    (await net.routes(1000)).map(({ destination, table }) => [destination, table]),
    [['10.5.0.0/16', 1000]],
  );
  assert.equal(
    (await net.routes()).some(({ destination }) => destination === '10.5.0.0/16'),
    false,
  );
  assert.ok((await net.routes(RT_TABLE.LOCAL)).some(({ destination }) => destination === '10.0.0.2/32'));
});

test('a neighbour is set, replaced and deleted', async () => {
  const link = await indexOf('veth0');
  await net.apply(
    setNeighbour({ address: '10.0.0.1', link, macAddress: '02:00:00:00:00:aa' }),
    setNeighbour({ address: 'fd00::1', link, macAddress: '02:00:00:00:00:bb', state: NUD.REACHABLE }),
  );
  const find = async (address: string) => (await net.neighbours()).find((neighbour) => neighbour.address === address);
  assert.deepEqual(await find('10.0.0.1').then((n) => [n?.macAddress, n?.state, n?.link]), [
    '02:00:00:00:00:aa',
    NUD.PERMANENT,
    link,
  ]);
  assert.equal((await find('fd00::1'))?.state, NUD.REACHABLE);
  await net.apply(setNeighbour({ address: '10.0.0.1', link, macAddress: '02:00:00:00:00:cc' }));
  assert.equal((await find('10.0.0.1'))?.macAddress, '02:00:00:00:00:cc');
  await net.apply(deleteNeighbour({ address: '10.0.0.1', link }));
  assert.equal(await find('10.0.0.1'), undefined);
});

test("a refusal is told in the kernel's own words, and what was sent with it is done all the same", async () => {
  const link = await indexOf('veth0');
  const outcomes = await net.batch([
    addRoute({ destination: '10.20.0.0/16', link }),
    addRoute({ destination: '10.21.0.0/16', gateway: '198.51.100.1', link }),
    addRoute({ destination: '10.22.0.0/16', link }),
  ]);
  assert.deepEqual(
    outcomes.map((outcome) => outcome?.message ?? 'done'),
    [
      'done',
      `add the route to 10.21.0.0/16 via 198.51.100.1 on interface ${link}: the kernel says "Nexthop has invalid gateway": ENETUNREACH`,
      'done',
    ],
  );
  assert.ok((await net.routes()).some(({ destination }) => destination === '10.22.0.0/16'));
});

test('a thousand changes in one call are all acknowledged, and all are in the listing', async () => {
  const link = await indexOf('veth0');
  const routes = Array.from({ length: 1000 }, (_, i) => ({
    destination: `10.${100 + (i >> 8)}.${i & 255}.0/24`,
    link,
  }));
  const outcomes = await net.batch(routes.map((route) => addRoute(route)));
  assert.equal(outcomes.length, 1000);
  assert.ok(outcomes.every((outcome) => outcome === null));
  const listed = new Set((await net.routes()).map(({ destination }) => destination));
  assert.ok(routes.every(({ destination }) => listed.has(destination)));
  await net.apply(...routes.map((route) => deleteRoute(route)));
});

test('questions asked at once are answered each with its own', async () => {
  const [links, addresses, link, missing] = await Promise.all([
    net.links(),
    net.addresses(),
    net.linkByName('veth0'),
    net.linkByName('nothing'),
  ]);
  assert.ok(links.some(({ name }) => name === 'veth0'));
  assert.ok(addresses.some(({ address }) => address === '10.0.0.2'));
  assert.equal(link?.name, 'veth0');
  assert.equal(missing, null);
});

test('all addresses of an interface go, its link-local one stays when asked to', async () => {
  const link = await indexOf('veth0');
  await net.apply(addAddress({ address: 'fe80::99', prefixLength: 64, link, flags: IFA_F.NODAD, scope: 253 }));
  await net.apply(addAddress({ address: '10.0.0.9', prefixLength: 24, link }));
  await net.flushAddresses(link, { keepLinkLocal: true });
  const left = (await net.addresses(link)).map(({ address }) => address);
  assert.ok(left.includes('fe80::99') && left.every((address) => address.startsWith('fe80')), left.join());
  await net.flushAddresses(link);
  assert.deepEqual(await net.addresses(link), []);
});

test('counters of an interface are told', async () => {
  const lo = await net.linkByName('lo');
  assert.equal(typeof lo?.statistics?.receivedBytes, 'bigint');
});

test('a tap goes with its last descriptor unless it is to stay', async () => {
  if (!exists('/dev/net/tun')) assert.fail('/dev/net/tun is needed: modprobe tun');
  const { name, fds } = inNamespace(here, 'net', () => openTap({ name: 'tap%d' }));
  assert.equal(name, 'tap0');
  assert.equal((await net.linkByName('tap0'))?.kind, 'tun');
  assert.throws(() => inNamespace(here, 'net', () => openTap({ name: 'tap0' })), { errno: 'EBUSY' });
  for (const fd of fds) close(fd);
  assert.equal(await net.linkByName('tap0'), null);
  const kept = inNamespace(here, 'net', () =>
    openTap({ name: 'kept', queues: 2, persistent: true, vnetHeader: false }),
  );
  assert.equal(kept.fds.length, 2);
  for (const fd of kept.fds) close(fd);
  assert.throws(() => inNamespace(here, 'net', () => openTap({ name: 'kept', queues: 2, vnetHeader: false })), {
    errno: 'EBUSY',
  });
  await net.apply(deleteLink(await indexOf('kept')));
  assert.throws(() => openTap({ name: 'a-name-that-is-too-long' }), { code: 'invalid-argument' });
});

test('a closed socket leaves no descriptor, and who waits for it hears so', async () => {
  const before = listDirectory('/proc/self/fd').length;
  const short = Rtnetlink.open();
  const answer = short.links();
  await answer;
  short.close();
  assert.equal(listDirectory('/proc/self/fd').length, before);
  await assert.rejects(short.links());
});
