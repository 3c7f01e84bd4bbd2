// What tests of a pod's network share: a containerd, a pod's namespace for each test, and the proof that nothing is left.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, beforeEach } from 'node:test';
import { Containerd, footprint, IMAGE, type Result, settledFootprint } from './containerd.ts';
import { PodNetwork } from './pod-network.ts';
import { testConfig } from './test-config.ts';

let execs = 0;

export class NetworkSuite {
  containerd!: Containerd;
  net!: PodNetwork;
  #folder = '';
  #clean: ReturnType<typeof footprint> = {};
  /** Whether a test's namespace is expected to be there at its end. */
  isNamespaceGone = false;

  constructor() {
    before(async () => {
      this.#folder = fs.mkdtempSync(path.join(tmpdir(), 'kata-ts-network-'));
      this.containerd = await Containerd.start('1.6');
    });
    after(async () => {
      await this.containerd.stop();
      fs.rmSync(this.#folder, { recursive: true, force: true });
    });
    beforeEach(() => {
      this.#clean = footprint();
      this.isNamespaceGone = false;
      this.net = new PodNetwork();
    });
    afterEach(async () => {
      const settled = await settledFootprint();
      const left = this.isNamespaceGone ? [] : this.net.pod.traces();
      this.net.remove();
      assert.deepEqual(left, [], 'something was left in the network namespace');
      assert.deepEqual(settled, this.#clean, 'something was left behind');
    });
  }

  /** A configuration with these keys; one folder of templates for all. */
  config(changes: Record<string, string> = {}): string {
    return testConfig(this.#folder, { template_path: '"/run/network-templates"', default_memory: '256', ...changes });
  }

  /** Options of `ctr run` in the pod's namespace. */
  args(config = this.config()): string[] {
    return ['--runtime-config-path', config, '--with-ns', `network:${this.net.pod.path}`];
  }

  /** Runs a script in a container of its own in the pod's namespace, to its end. */
  run(id: string, script: string, config = this.config()): Promise<Result> {
    return this.containerd.run(['--rm', ...this.args(config), IMAGE, id, 'sh', '-c', script]);
  }

  /** Runs a script in a running container; what it printed. It must succeed. */
  inGuest(id: string, script: string): Promise<string> {
    return this.containerd.ok(['task', 'exec', '--exec-id', `exec-${execs++}`, id, 'sh', '-c', script]);
  }

  /** Calls `action` with a container that sleeps in the pod's namespace, and ends it. */
  async withSleeper(id: string, config: string, action: () => Promise<void>): Promise<void> {
    await this.containerd.sleeper(id, ...this.args(config));
    try {
      await action();
    } finally {
      await this.containerd.end(id);
    }
  }

  /** The node reaches the guest, and the guest the node, at these addresses. */
  async pingBothWays(id: string, node: string, guest: string): Promise<void> {
    await this.inGuest(id, `ping -c 1 -W 5 ${node}`);
    this.net.node.run('busybox', 'ping', '-c', '1', '-W', '5', guest);
  }
}
