// A pod's network in the guest: what is in the namespace is in the guest, and packets go both ways.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { IMAGE, sleep } from '../harness/containerd.ts';
import { kata } from '../harness/kata-runtime.ts';
import { NetworkSuite } from '../harness/network-suite.ts';
import { tool } from '../harness/pod-network.ts';

const LIMIT = { timeout: 120_000 };
const BYTES = 3_000_000;
const suite = new NetworkSuite();

describe('a container in a network namespace with a veth interface', () => {
  it('has its addresses, hardware address, MTU, routes and neighbours, and nothing else', LIMIT, async () => {
    const { pod } = suite.net;
    const mac = pod.ip('-o', 'link', 'show', 'eth0').match(/link\/ether (\S+)/)![1]!;
    pod.ip('link', 'set', 'eth0', 'mtu', '1400');
    pod.ip('route', 'add', '198.51.100.0/24', 'via', '203.0.113.1', 'dev', 'eth0', 'onlink');
    pod.ip('route', 'add', '192.0.2.0/24', 'dev', 'eth0', 'scope', 'link', 'src', '10.77.0.2');
    pod.ip('-6', 'route', 'add', '2001:db8:1::/48', 'via', 'fd77::1', 'mtu', '1300');
    pod.ip('neigh', 'add', '10.77.0.9', 'lladdr', '02:00:00:00:00:99', 'nud', 'permanent', 'dev', 'eth0');
    await suite.withSleeper('web', suite.config(), async () => {
      const shown = await suite.inGuest('web', 'ip addr; ip route; ip -6 route; ip neigh; ls /sys/class/net');
      for (const text of [
        ...[mac, 'mtu 1400', '10.77.0.2/24', 'fd77::2/64', 'default via 10.77.0.1 dev eth0'],
        ...['198.51.100.0/24 via 203.0.113.1 dev eth0 onlink', '192.0.2.0/24 dev eth0 scope link  src 10.77.0.2'],
        ...['default via fd77::1 dev eth0', '2001:db8:1::/48 via fd77::1 dev eth0'],
      ])
        assert.ok(shown.includes(text), `${text} in ${shown}`);
      assert.match(shown, /10\.77\.0\.9 dev eth0 lladdr 02:00:00:00:00:99 .*PERMANENT/);
      assert.match(shown, /\neth0\nlo\n$/);
      // The kernel's own of this hardware address, and not the one that the guest was saved with.
      assert.equal(shown.match(/inet6 fe80/g)?.length, 1, shown);
      // What the node sees of it is what the pod's interface says.
      await suite.pingBothWays('web', '10.77.0.1', '10.77.0.2');
      assert.match(suite.net.node.ip('neigh', 'show', '10.77.0.2'), new RegExp(mac));
    });
  });

  for (const [family, node, guest] of [
    ['IPv4', '10.77.0.1', '10.77.0.2'],
    ['IPv6', 'fd77::1', 'fd77::2'],
  ] as const)
    it(`speaks TCP with the node both ways, without a bit lost: ${family}`, LIMIT, async () => {
      await suite.withSleeper('web', suite.config(), async () => {
        const receiver = suite.net.node.spawn('busybox', 'nc', '-l', '-p', '7000', '-e', 'sh', '-c', 'cat >/run/got');
        const received = once(receiver, 'close');
        await sleep(200);
        const sum = await suite.inGuest(
          'web',
          `head -c ${BYTES} /dev/urandom >/tmp/sent; nc ${node} 7000 </tmp/sent; sha256sum </tmp/sent`,
        );
        await received;
        assert.equal(sum.split(' ')[0], tool('sha256sum', '/run/got').split(' ')[0]);
        const listening = suite.inGuest('web', "nc -l -p 7001 -e sh -c 'cat >/tmp/got'; sha256sum </tmp/got");
        await suite.inGuest('web', 'until netstat -ltn | grep -q :7001; do sleep 0.05; done');
        const sent = suite.net.node.run(
          'sh',
          '-c',
          `head -c ${BYTES} /dev/urandom | tee /run/sent | busybox nc ${guest} 7001`,
        );
        assert.equal(sent, '');
        assert.equal((await listening).split(' ')[0], tool('sha256sum', '/run/sent').split(' ')[0]);
      });
    });

  it('reaches the node with its very first packet', LIMIT, async () => {
    const server = suite.net.node.spawn('busybox', 'nc', '-l', '-p', '7000', '-e', 'echo', 'hello');
    try {
      // A first segment that got lost would be sent again after a second.
      const { stdout, stderr } = await suite.run(
        'web',
        'read begin _ </proc/uptime; nc 10.77.0.1 7000; read end _ </proc/uptime; echo $begin $end',
      );
      const [hello, times = ''] = stdout.trim().split('\n');
      assert.equal(hello, 'hello', stderr);
      const [begin = 0, end = 0] = times.split(' ').map(Number);
      assert.ok(end - begin < 0.9, `${end - begin} s`);
    } finally {
      server.kill();
    }
  });

  it('has a second one as well, whatever their names', LIMIT, async () => {
    suite.net.addVeth('net1', { number: 78, mtu: 9000 });
    await suite.withSleeper('web', suite.config(), async () => {
      const shown = await suite.inGuest('web', 'ip addr; ls /sys/class/net');
      assert.match(shown, /net1: .* mtu 9000/);
      assert.match(shown, /\neth0\nlo\nnet1\n$/);
      await suite.pingBothWays('web', '10.77.0.1', '10.77.0.2');
      await suite.pingBothWays('web', '10.78.0.1', '10.78.0.2');
      await suite.pingBothWays('web', 'fd78::1', 'fd78::2');
    });
  });

  it('is connected by a tap of upstream’s name; one that is there already is left alone', LIMIT, async () => {
    const { pod } = suite.net;
    pod.ip('tuntap', 'add', 'tap0_kata', 'mode', 'tap');
    await suite.withSleeper('web', suite.config(), async () => {
      assert.match(pod.ip('-o', 'link'), /tap1_kata/);
      assert.match(
        tool('tc', '-n', pod.name, 'filter', 'show', 'dev', 'eth0', 'ingress'),
        /mirred \(Egress Redirect to device tap1_kata\)/,
      );
      await suite.pingBothWays('web', '10.77.0.1', '10.77.0.2');
    });
    assert.doesNotMatch(pod.ip('-o', 'link'), /tap1_kata/);
    pod.ip('link', 'del', 'tap0_kata');
  });

  it('sends and receives no faster than it may', LIMIT, async () => {
    const { pod } = suite.net;
    const config = suite.config({
      enable_iothreads: 'false\nrx_rate_limiter_max_rate = 8000000\ntx_rate_limiter_max_rate = 16000000',
    });
    await suite.withSleeper('web', config, async () => {
      assert.match(
        tool('tc', '-n', pod.name, 'class', 'show', 'dev', 'tap0_kata'),
        /class htb 1:2 parent 1:1 .*rate 8Mbit ceil 8Mbit/,
      );
      assert.match(
        tool('tc', '-n', pod.name, 'class', 'show', 'dev', 'eth0'),
        /class htb 1:2 parent 1:1 .*rate 16Mbit ceil 16Mbit/,
      );
      const listening = suite.inGuest('web', "nc -l -p 7001 -e sh -c 'cat >/tmp/got'; wc -c </tmp/got");
      await suite.inGuest('web', 'until netstat -ltn | grep -q :7001; do sleep 0.05; done');
      const begin = performance.now();
      suite.net.node.run('sh', '-c', 'head -c 3000000 /dev/zero | busybox nc 10.77.0.2 7001');
      assert.equal((await listening).trim(), '3000000');
      const seconds = (performance.now() - begin) / 1000;
      assert.ok(seconds > 2.5, `3 MB at 1 MB/s took ${seconds} s`);
    });
    assert.doesNotMatch(tool('tc', '-n', pod.name, 'qdisc'), /htb/);
  });
});

describe('other kinds of interfaces', () => {
  it('macvlan', LIMIT, async () => {
    const { pod, node } = suite.net;
    node.ip('link', 'add', 'base', 'type', 'veth', 'peer', 'name', 'base-peer');
    node.ip('link', 'add', 'link', 'base', 'name', 'mv0', 'type', 'macvlan', 'mode', 'bridge');
    node.ip('link', 'set', 'mv0', 'netns', pod.name);
    for (const link of ['base', 'base-peer']) node.ip('link', 'set', link, 'up');
    node.ip('addr', 'add', '10.88.0.1/24', 'dev', 'base-peer');
    pod.ip('link', 'set', 'mv0', 'up');
    pod.ip('addr', 'add', '10.88.0.2/24', 'dev', 'mv0');
    await suite.withSleeper('web', suite.config(), () => suite.pingBothWays('web', '10.88.0.1', '10.88.0.2'));
  });

  it('a tap, whose other end is the guest’s', LIMIT, async () => {
    const { pod } = suite.net;
    // A bridge in the pod connects the tap with the node, as a plugin would have made it.
    pod.ip('link', 'add', 'br0', 'type', 'bridge');
    pod.ip('addr', 'flush', 'dev', 'eth0');
    pod.ip('link', 'set', 'eth0', 'master', 'br0');
    pod.ip('tuntap', 'add', 'tap7', 'mode', 'tap');
    pod.ip('link', 'set', 'tap7', 'address', '02:00:00:00:00:07', 'master', 'br0', 'up');
    pod.ip('link', 'set', 'br0', 'addrgenmode', 'none', 'up');
    pod.ip('addr', 'add', '10.77.0.7/24', 'dev', 'tap7');
    await suite.withSleeper('web', suite.config(), async () => {
      assert.match(await suite.inGuest('web', 'ip link'), /02:00:00:00:00:07/);
      await suite.pingBothWays('web', '10.77.0.1', '10.77.0.7');
    });
    assert.match(pod.ip('-o', 'link', 'show', 'tap7'), /02:00:00:00:00:07/);
    pod.ip('link', 'del', 'br0');
  });
});

describe('models', () => {
  it('macvtap: the pod’s interface gets back what it had', LIMIT, async () => {
    const { pod } = suite.net;
    const state = () =>
      pod.ip('-o', 'addr', 'show', 'eth0').replaceAll(/valid_lft.*/g, '') +
      pod.ip('route') +
      pod.ip('-o', 'link', 'show', 'eth0').match(/ether \S+/)?.[0];
    const before = state();
    await suite.withSleeper('web', suite.config({ internetworking_model: '"macvtap"' }), async () => {
      assert.match(pod.ip('-d', '-o', 'link', 'show', 'tap0_kata'), /macvtap mode bridge/);
      await suite.pingBothWays('web', '10.77.0.1', '10.77.0.2');
      await suite.pingBothWays('web', 'fd77::1', 'fd77::2');
    });
    assert.equal(state(), before);
  });

  it('none: the tap is there, and somebody else connects it', LIMIT, async () => {
    const { pod } = suite.net;
    await suite.withSleeper('web', suite.config({ internetworking_model: '"none"' }), async () => {
      assert.match(pod.ip('-o', 'link', 'show', 'tap0_kata'), /UP/);
      pod.ip('addr', 'flush', 'dev', 'eth0');
      pod.ip('link', 'add', 'br0', 'type', 'bridge');
      for (const port of ['eth0', 'tap0_kata']) pod.ip('link', 'set', port, 'master', 'br0');
      pod.ip('link', 'set', 'br0', 'up');
      pod.ip('link', 'set', 'eth0', 'address', '02:00:00:00:00:70');
      await suite.pingBothWays('web', '10.77.0.1', '10.77.0.2');
    });
    pod.ip('link', 'del', 'br0');
  });
});

describe('whatever a VM starts from', () => {
  for (const [origin, changes] of [
    ['a template', {}],
    ['a kernel that boots', { enable_template: 'false' }],
    ['a pool', { vm_cache_number: '1', vm_cache_endpoint: '"/run/network-pool.sock"' }],
  ] as [string, Record<string, string>][])
    it(`it has the network of a namespace that has one, and none of one that has not: ${origin}`, LIMIT, async () => {
      const config = suite.config(changes);
      const env = { KATA_CONF_FILE: config };
      try {
        if (origin === 'a pool') assert.equal((await kata(['factory', 'init'], { env })).status, 0);
        const found = await suite.run('with', 'ping -c 1 -W 5 10.77.0.1 && ip -o link | cut -d: -f2', config);
        assert.match(found.stdout, /1 packets received/, found.stderr);
        assert.match(found.stdout, /\n lo\n eth0\n$/);
        if (origin === 'a pool') await untilFull(env);
        const { stdout, stderr } = await suite.containerd.run([
          ...['--rm', '--runtime-config-path', config, IMAGE, 'without'],
          ...[
            'sh',
            '-c',
            'ip -o link | cut -d: -f2; ls /sys/class/net; ip route; cat /proc/net/dev | tail -n +3 | wc -l',
          ],
        ]);
        assert.equal(stdout, ' lo\nlo\n1\n', stderr);
      } finally {
        if (origin === 'a pool') await kata(['factory', 'destroy'], { env });
      }
    });
});

async function untilFull(env: Record<string, string>): Promise<void> {
  for (const begin = Date.now(); Date.now() - begin < 60_000; await sleep(200)) {
    const { pool } = JSON.parse((await kata(['factory', 'status', '--format', 'json'], { env })).stdout);
    if (pool.ready === pool.wanted) return;
  }
  assert.fail('the pool is not full within 60 s');
}
