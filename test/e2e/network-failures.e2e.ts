// What can be wrong with a pod's network, and what is left then: nothing, and one clear error.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, it } from 'node:test';
import { IMAGE, shimOf, sleep, vmmOf } from '../harness/containerd.ts';
import { NetworkSuite } from '../harness/network-suite.ts';

const LIMIT = { timeout: 120_000 };
const suite = new NetworkSuite();

/** A container that cannot be made: what ctr says of it. */
async function refused(config = suite.config()): Promise<string> {
  const { status, stdout, stderr } = await suite.run('web', 'true', config);
  assert.notEqual(status, 0, stdout);
  return stderr;
}

describe('a container is refused, with the reason', () => {
  it('when an interface is of a kind that cannot be connected', LIMIT, async () => {
    const { pod } = suite.net;
    pod.ip('link', 'add', 'vpn0', 'type', 'vxlan', 'id', '7', 'dstport', '4789', 'dev', 'eth0');
    pod.ip('addr', 'add', '10.99.0.1/24', 'dev', 'vpn0');
    assert.match(await refused(), /Unsupported network interface: vpn0 of kind vxlan/);
    pod.ip('link', 'del', 'vpn0');
    pod.ip('tuntap', 'add', 'tun0', 'mode', 'tun');
    pod.ip('addr', 'add', '10.99.0.1/24', 'dev', 'tun0');
    assert.match(await refused(), /Unsupported network interface: tun0 of kind tun \(packets without Ethernet\)/);
  });

  it('when its namespace is the host’s, or is not there', LIMIT, async () => {
    const run = (path: string) =>
      suite.containerd.run([
        ...['--rm', '--runtime-config-path', suite.config(), '--with-ns', `network:${path}`],
        ...[IMAGE, 'web', 'true'],
      ]);
    const host = await run('/proc/self/ns/net');
    assert.match(host.stderr, /a network namespace of the container's own is expected, .* is the host's/);
    const missing = await run('/run/netns/never-made');
    assert.match(missing.stderr, /a network namespace is expected at \/run\/netns\/never-made, there is none/);
    fs.writeFileSync('/run/no-namespace', '');
    assert.match((await run('/run/no-namespace')).stderr, /a network namespace is expected at \/run\/no-namespace/);
    fs.rmSync('/run/no-namespace');
  });

  it('when it wants more interfaces than a guest has', LIMIT, async () => {
    for (const number of [81, 82, 83, 84]) suite.net.addVeth(`net${number}`, { number });
    assert.match(await refused(), /at most 4 network interfaces are expected/);
  });
});

it('a link without an address is left out, whatever it is', LIMIT, async () => {
  suite.net.pod.ip('link', 'add', 'vpn0', 'type', 'vxlan', 'id', '7', 'dstport', '4789', 'dev', 'eth0');
  const { stdout, stderr } = await suite.run('web', 'ls /sys/class/net');
  assert.equal(stdout, 'eth0\nlo\n', stderr);
});

it('filters that somebody else has on the interface stay', LIMIT, async () => {
  const { pod } = suite.net;
  const tc = (...args: string[]) => pod.run('tc', ...args);
  tc('qdisc', 'add', 'dev', 'eth0', 'clsact');
  const filters = () => tc('filter', 'show', 'dev', 'eth0', 'ingress');
  tc(...'filter add dev eth0 ingress protocol ip prio 5 u32 match ip dst 192.0.2.77/32 flowid 1:1'.split(' '));
  const before = filters();
  await suite.withSleeper('web', suite.config(), () => suite.pingBothWays('web', '10.77.0.1', '10.77.0.2'));
  assert.equal(filters(), before);
  tc('qdisc', 'del', 'dev', 'eth0', 'clsact');
});

describe('nothing is left in the namespace', () => {
  for (const model of ['tcfilter', 'macvtap'])
    for (const victim of ['QEMU', 'the shim'])
      it(`when ${victim} is killed: ${model}`, LIMIT, async () => {
        const { pod } = suite.net;
        const config = suite.config({ internetworking_model: `"${model}"` });
        const addresses = () => pod.ip('-o', 'addr', 'show', 'eth0').replaceAll(/ (tentative|nodad)|valid_lft.*/g, '');
        const before = addresses();
        await suite.containerd.sleeper('web', ...suite.args(config));
        assert.notDeepEqual(pod.traces(), []);
        process.kill(victim === 'QEMU' ? vmmOf('web') : shimOf('web'), 'SIGKILL');
        await suite.containerd.waitFor('web', (state) => state !== 'RUNNING');
        await suite.containerd.end('web');
        assert.equal(addresses(), before);
      });

  it('when the namespace goes before its container', LIMIT, async () => {
    const { pod } = suite.net;
    await suite.withSleeper('web', suite.config(), async () => {
      pod.remove();
      suite.isNamespaceGone = true;
      assert.equal(await suite.inGuest('web', 'echo alive'), 'alive\n');
    });
    assert.ok(!fs.existsSync(pod.path));
  });

  it('when a start is cut off at any moment', { timeout: 300_000 }, async () => {
    const config = suite.config();
    assert.equal((await suite.run('first', 'true', config)).status, 0);
    for (let delayMs = 20; delayMs < 600; delayMs += 60) {
      const running = suite.run('web', 'true', config);
      await sleep(delayMs);
      try {
        process.kill(shimOf('web'), 'SIGKILL');
      } catch {
        // It has not begun, or has ended by now.
      }
      await running;
      await suite.containerd.ctr(['task', 'rm', '-f', 'web']);
      await suite.containerd.ctr(['container', 'rm', 'web']);
      assert.deepEqual(suite.net.pod.traces(), [], `after ${delayMs} ms`);
    }
  });
});
