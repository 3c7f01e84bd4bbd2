// A pod's network in the guest: what is in the namespace is in the guest, packets go both ways, and nothing is left.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { Containerd, footprint, IMAGE, settledFootprint, shimOf, sleep, vmmOf } from '../harness/containerd.ts';
import { PodNetwork } from '../harness/pod-network.ts';
import { testConfig } from '../harness/test-config.ts';

const LIMIT = { timeout: 120_000 };

let folder: string;
let containerd: Containerd;
let net: PodNetwork;
let clean: ReturnType<typeof footprint>;

/** A configuration with these keys; one folder of templates for all tests of one guest. */
const configured = (changes: Record<string, string> = {}): string =>
  testConfig(folder, { template_path: '"/run/network-templates"', default_memory: '256', ...changes });

before(async () => {
  folder = fs.mkdtempSync(path.join(tmpdir(), 'kata-ts-network-'));
  containerd = await Containerd.start('1.6');
});
after(async () => {
  await containerd.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  clean = footprint();
  net = new PodNetwork();
});
afterEach(async () => {
  const left = net.pod.traces();
  net.remove();
  assert.deepEqual(left, [], 'something was left in the network namespace');
  const settled = await settledFootprint();
  assert.deepEqual(settled, clean, 'something was left behind');
});

/** `ctr run` in the pod's namespace. */
const args = (config: string): string[] => [
  ...['--runtime-config-path', config, '--with-ns', `network:${net.pod.path}`],
];

/** Runs a script in a container of its own, to its end; what it printed. */
async function runs(id: string, script: string, config = configured()): Promise<string> {
  const { status, stdout, stderr } = await containerd.run(['--rm', ...args(config), IMAGE, id, 'sh', '-c', script]);
  assert.equal(status, 0, `${stderr}${stdout}`);
  return stdout;
}

describe('a container in a network namespace with a veth interface', () => {
  it('has its addresses, hardware address, MTU and routes, and speaks with the node both ways', LIMIT, async () => {
    const mac = net.pod.ip('-o', 'link', 'show', 'eth0').match(/link\/ether (\S+)/)![1]!;
    await containerd.sleeper('web', ...args(configured()));
    try {
      const inGuest = (...command: string[]) =>
        containerd.ok(['task', 'exec', '--exec-id', `e${Math.random()}`, 'web', ...command]);
      const shown = await inGuest('sh', '-c', 'ip addr show eth0; ip route; ip -6 route; ls /sys/class/net');
      for (const text of [
        mac,
        'mtu 1500',
        '10.77.0.2/24',
        'fd77::2/64',
        'default via 10.77.0.1',
        'default via fd77::1',
      ])
        assert.ok(shown.includes(text), `${text} in ${shown}`);
      assert.match(shown, /\neth0\nlo\n$/);
      for (const address of ['10.77.0.1', 'fd77::1']) await inGuest('ping', '-c', '2', '-W', '5', address);
      for (const address of ['10.77.0.2', 'fd77::2']) net.node.run('busybox', 'ping', '-c', '2', '-W', '5', address);
    } finally {
      await containerd.end('web');
    }
  });
});
