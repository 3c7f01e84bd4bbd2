// Network namespaces of a test's own: a pod's, and another one for what is on the other side. The host's is left alone.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';

let count = 0;

/** Runs ip(8), or another tool, which must succeed; what it printed. */
export function tool(program: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  assert.equal(status, 0, `${program} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

export const ip = (...args: string[]): string => tool('ip', ...args);

/** A network namespace that `ip netns` knows. */
export class NetworkNamespace {
  readonly name: string;

  constructor(what: string) {
    this.name = `${what}-${process.pid}-${count++}`;
    ip('netns', 'add', this.name);
    this.ip('link', 'set', 'lo', 'up');
  }

  get path(): string {
    return `/run/netns/${this.name}`;
  }

  /** ip(8) in it. */
  ip(...args: string[]): string {
    return ip('-n', this.name, ...args);
  }

  /** Runs a program in it, which must succeed; what it printed. */
  run(program: string, ...args: string[]): string {
    return ip('netns', 'exec', this.name, program, ...args);
  }

  /** Starts a program in it. */
  spawn(program: string, ...args: string[]): ChildProcess {
    return spawn('ip', ['netns', 'exec', this.name, program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** All that a guest may have left in it: interfaces, and what has to do with filters. */
  traces(): string[] {
    const links = this.ip('-o', 'link')
      .split('\n')
      .map((line) => line.split(': ')[1]?.split('@')[0] ?? '')
      .filter((name) => /_kata$|^ifb/.test(name));
    const qdiscs = tool('tc', '-n', this.name, 'qdisc')
      .split('\n')
      .filter((line) => /ingress|htb/.test(line));
    return [...links, ...qdiscs];
  }

  remove(): void {
    spawnSync('ip', ['netns', 'del', this.name]);
  }
}

/** A pod's namespace with a veth interface, whose other end is in a namespace of its own, as a node's is. */
export class PodNetwork {
  readonly pod = new NetworkNamespace('pod');
  readonly node = new NetworkNamespace('node');

  /** `eth0` with 10.77.0.2 and fd77::2; the node has .1 and ::1. */
  constructor(mtu = 1500) {
    this.addVeth('eth0', { number: 77, mtu });
    this.pod.ip('route', 'add', 'default', 'via', '10.77.0.1');
    this.pod.ip('-6', 'route', 'add', 'default', 'via', 'fd77::1');
  }

  /** One more interface in the pod: 10.N.0.2 and fdN::2, the node has .1 and ::1. */
  addVeth(name: string, { number, mtu = 1500 }: { number: number; mtu?: number }): void {
    const { pod, node } = this;
    const far = `node-${name}`;
    node.ip(
      'link',
      'add',
      far,
      'mtu',
      `${mtu}`,
      'type',
      'veth',
      'peer',
      'name',
      name,
      'mtu',
      `${mtu}`,
      'netns',
      pod.name,
    );
    for (const [side, link, host] of [
      [node, far, 1],
      [pod, name, 2],
    ] as const) {
      side.ip('link', 'set', link, 'up');
      side.ip('addr', 'add', `10.${number}.0.${host}/24`, 'dev', link);
      side.ip('addr', 'add', `fd${number}::${host}/64`, 'dev', link, 'nodad');
    }
  }

  remove(): void {
    this.pod.remove();
    this.node.remove();
  }
}
