// What kubelet finds on a node: a containerd with its CRI plugin, our runtime as the handler `kata`, a pause image, and
// pods' networks by CNI, all of it in a network namespace of its own.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { BUSYBOX, Containerd, type ContainerdSetup, run, sleep } from '../containerd.ts';
import { imageVariant } from '../image-variant.ts';
import { CriClient, type Fields } from './cri-client.ts';

/** The image that containers run by default. */
export const BUSYBOX_IMAGE = 'docker.io/library/busybox:latest';
const PAUSE_IMAGE = 'kata-ts.test/pause:latest';
/** Pods get addresses of it. */
const SUBNET = '10.88.0.0/16';

/** How many network namespaces this process has made: each has a name of its own. */
let made = 0;

/** A node of one containerd version. */
export class CriNode {
  readonly containerd: Containerd;
  readonly cri: CriClient;
  /** The name of the network namespace that its containerd is in; empty when it is ours. */
  readonly netns: string;
  #names = 0;

  private constructor(containerd: Containerd, netns: string) {
    this.containerd = containerd;
    this.netns = netns;
    this.cri = new CriClient(containerd.address);
  }

  /** `inOurs`: in the network namespace of the test itself. */
  static async start(
    version: string,
    { env = {}, inOurs = false }: { env?: Record<string, string>; inOurs?: boolean } = {},
  ): Promise<CriNode> {
    const netns = inOurs ? '' : `node-${process.pid}-${made++}`;
    if (!inOurs) await ok(['ip', 'netns', 'add', netns]);
    await ok([...within(netns), 'ip', 'link', 'set', 'lo', 'up']);
    const containerd = await Containerd.start(version, {
      env,
      prefix: within(netns),
      settings: (folder) => criSettings(version, folder),
    } satisfies ContainerdSetup);
    const node = new CriNode(containerd, netns);
    await node.addImage('docker.io/library/busybox', {});
    await node.addImage('kata-ts.test/pause', { Cmd: ['sleep', '2147483647'] });
    return node;
  }

  /** Makes an image of busybox with another configuration, as `name:latest`. */
  async addImage(name: string, changes: Record<string, unknown>): Promise<void> {
    const layout = path.join(this.containerd.folder, 'layout');
    imageVariant(BUSYBOX, layout, changes);
    await this.containerd.importLayout(layout, name, 'k8s.io');
    fs.rmSync(layout, { recursive: true });
    // The plugin hears of it by an event.
    for (let waitedMs = 0; !(await this.cri.hasImage(`${name}:latest`)); waitedMs += 50) {
      assert.ok(waitedMs < 10_000, `CRI knows no image ${name}`);
      await sleep(50);
    }
  }

  /** Runs a pod; `changes` are of its PodSandboxConfig. */
  async pod(changes: Fields = {}, handler = 'kata'): Promise<Pod> {
    const name = `pod-${this.#names++}`;
    const logs = path.join(this.containerd.folder, 'logs', name);
    fs.mkdirSync(logs, { recursive: true });
    const config = {
      metadata: { name, uid: `uid-${name}`, namespace: 'default', attempt: 0 },
      hostname: name,
      log_directory: logs,
      linux: {},
      ...changes,
    };
    return new Pod(this, await this.cri.runPod(config, handler), config, logs);
  }

  /** A file of a test's, for volumes. */
  path(...parts: string[]): string {
    return path.join(this.containerd.folder, 'kubelet', ...parts);
  }

  /** What an HTTP server that the node reaches answers, head and body. */
  async fetch(host: string, port: number, page: string): Promise<string> {
    const input = `GET ${page} HTTP/1.0\r\n\r\n`;
    const nc = ['busybox', 'nc', '-w', '5', host, `${port}`];
    return (await run([...within(this.netns), ...nc], { input })).stdout;
  }

  /** Ends containerd, not its shims, and starts it again `pauseMs` later. */
  async restart(pauseMs: number, signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    await this.containerd.restart(pauseMs, signal);
    // Its CRI plugin reads back what there is before it answers.
    for (let waitedMs = 0; ; waitedMs += 50) {
      const failure = await this.cri.pods().then(
        () => null,
        (error: Error) => error,
      );
      if (failure === null) return;
      assert.ok(waitedMs < 10_000, `CRI does not come back: ${failure.message}`);
      await sleep(50);
    }
  }

  async stop(): Promise<void> {
    try {
      for (const id of await this.cri.pods()) await this.cri.removePod(id).catch(() => {});
    } finally {
      this.cri.close();
      await this.containerd.stop();
      if (this.netns !== '') await run(['ip', 'netns', 'del', this.netns]);
    }
  }
}

/** A pod that was run. */
export class Pod {
  readonly node: CriNode;
  readonly id: string;
  readonly config: Fields;
  readonly logs: string;
  #names = 0;

  constructor(node: CriNode, id: string, config: Fields, logs: string) {
    this.node = node;
    this.id = id;
    this.config = config;
    this.logs = logs;
  }

  /** Makes a container that runs a shell script. `changes` are of its ContainerConfig. */
  create(script: string, changes: Fields = {}): Promise<string> {
    const name = `c${this.#names++}`;
    return this.node.cri.create(
      this.id,
      {
        metadata: { name, attempt: 0 },
        image: { image: BUSYBOX_IMAGE },
        command: ['sh', '-c', script],
        log_path: `${name}.log`,
        ...changes,
        linux: linuxConfig(changes.linux as LinuxChanges | undefined),
      },
      this.config,
    );
  }

  /** Makes and starts one. */
  async run(script: string, changes: Fields = {}): Promise<string> {
    const id = await this.create(script, changes);
    await this.node.cri.start(id);
    return id;
  }

  /** What a script in a container printed; it must succeed. */
  async exec(id: string, script: string): Promise<string> {
    const { stdout, stderr, status } = await this.node.cri.exec(id, ['sh', '-c', script]);
    assert.equal(status, 0, `${script}: ${stderr}`);
    return stdout;
  }

  /** Runs a script in a container of its own to its end; its status and log. */
  async finish(script: string, changes: Fields = {}) {
    const name = `c${this.#names}.log`;
    const id = await this.run(script, changes);
    const status = await this.exited(id);
    return { id, status, log: this.log(name) };
  }

  /** Waits for a container's end. */
  async exited(id: string, limitMs = 20_000) {
    for (const start = performance.now(); ; await sleep(20)) {
      const status = await this.node.cri.status(id);
      if (status.state === 'CONTAINER_EXITED') return status;
      assert.ok(performance.now() - start < limitMs, `container ${id} is ${status.state} after ${limitMs} ms`);
    }
  }

  /** The lines of a log without their heads (time, stream, whole or part). */
  log(name: string): string[] {
    return fs
      .readFileSync(path.join(this.logs, name), 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => line.replace(/^\S+ (?:stdout|stderr) [FP] /, ''));
  }

  async remove(): Promise<void> {
    await this.node.cri.stopPod(this.id);
    await this.node.cri.removePod(this.id);
  }
}

interface LinuxChanges {
  resources?: Fields;
  security_context?: Fields;
}

/** As kubelet sends it: a container has processes of its own unless its pod says otherwise. */
function linuxConfig({ resources, security_context }: LinuxChanges = {}): Fields {
  return { resources, security_context: { namespace_options: { pid: 'CONTAINER' }, ...security_context } };
}

/** Runs a command in a network namespace; in ours when it has no name. */
const within = (netns: string): string[] => (netns === '' ? [] : ['nsenter', `--net=/run/netns/${netns}`]);

async function ok(argv: string[]): Promise<void> {
  const { status, stderr } = await run(argv);
  assert.equal(status, 0, `${argv.join(' ')}: ${stderr}`);
}

/** Settings of the CRI plugin: in the format of 1.x, or of 2.x, which has divided it. */
function criSettings(version: string, folder: string): string {
  const confDir = path.join(folder, 'cni');
  const binDir = process.env.KATA_TS_CNI;
  assert.ok(binDir, 'the folder of the CNI plugins is expected in KATA_TS_CNI');
  fs.mkdirSync(confDir);
  fs.writeFileSync(path.join(confDir, '10-ptp.conflist'), JSON.stringify(network(folder)));
  const runtimes = (plugin: string) => `
[plugins."${plugin}".containerd]
  default_runtime_name = "runc"
[plugins."${plugin}".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."${plugin}".containerd.runtimes.kata]
  runtime_type = "io.containerd.kata.v2"
  privileged_without_host_devices = true
  pod_annotations = ["io.katacontainers.*"]
[plugins."${plugin}".cni]
  bin_dir = "${binDir}"
  conf_dir = "${confDir}"`;
  if (version.startsWith('1.'))
    return `[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  disable_apparmor = true
${runtimes('io.containerd.grpc.v1.cri')}`;
  return `[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "${PAUSE_IMAGE}"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
  disable_apparmor = true
${runtimes('io.containerd.cri.v1.runtime').replace(/bin_dir = (".*")/, 'bin_dirs = [$1]')}`;
}

/** A CNI network of point-to-point links, with addresses that are counted in the folder. */
function network(folder: string): unknown {
  const ipam = { type: 'host-local', dataDir: path.join(folder, 'cni-state'), ranges: [[{ subnet: SUBNET }]] };
  const routes = [{ dst: '0.0.0.0/0' }];
  const ptp = { type: 'ptp', ipam: { ...ipam, routes } };
  return {
    cniVersion: '0.4.0',
    name: 'kata-ts',
    plugins: [ptp, { type: 'portmap', capabilities: { portMappings: true } }],
  };
}
