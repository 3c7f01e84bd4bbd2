// Our shim, driven as containerd drives it, but without containerd: what is measured is ours.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { imageToSpec, type RunOptions } from '../../src/oci/image-to-spec.ts';
import { TaskDefinition } from '../../src/protocols/gen/task.ts';
import { createClient, type ServiceClient, TtrpcClient } from '../../src/ttrpc/client.ts';
import { socketStream } from '../../test/harness/socket-stream.ts';

const NAMESPACE = 'bench';
/** A measurement that hangs is ended; nothing here takes so long. */
const CALL_TIMEOUT_MS = 60_000;
let counter = 0;

/** A folder for everything a measurement writes, with the image of a root; removed by `close`. */
export class Workplace {
  readonly folder = fs.mkdtempSync(path.join(tmpdir(), 'kata-ts-bench-'));
  /** The busybox root, unpacked. */
  readonly root = path.join(this.folder, 'root');
  readonly image: string;

  constructor() {
    const { root } = this;
    fs.mkdirSync(root);
    const blobs = path.resolve('dist/share/kata-containers/images/busybox/blobs/sha256');
    for (const name of fs.readdirSync(blobs)) {
      const blob = path.join(blobs, name);
      // The layer is the blob that is no JSON.
      if (fs.readFileSync(blob)[0] !== 0x7b) execFileSync('tar', ['-xf', blob, '-C', root]);
    }
    this.image = path.join(this.folder, 'root.erofs');
    execFileSync('mkfs.erofs', ['--quiet', this.image, root]);
  }

  close(): void {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What a process takes of memory (proc_pid_smaps_rollup(5)): all of its pages, and its share of those that are shared. */
export function resident(pid: number): { rssKib: number; pssKib: number } {
  const text = fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]);
  return { rssKib: field('Rss'), pssKib: field('Pss') };
}

/** One shim, for one container. */
export class Shim {
  readonly id: string;
  readonly bundle: string;
  readonly #dist: string;
  readonly #image: string;
  #connection: TtrpcClient | undefined;

  constructor(dist: string, { folder, image }: Workplace, options: RunOptions) {
    this.id = `bench-${process.pid}-${counter++}`;
    this.#dist = dist;
    this.#image = image;
    this.bundle = path.join(folder, this.id);
    fs.mkdirSync(this.bundle);
    const spec = imageToSpec({ config: { Env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'] } }, options, 'x86-64');
    fs.writeFileSync(path.join(this.bundle, 'config.json'), JSON.stringify(spec));
  }

  /** The program and the arguments of `start`, as containerd gives them. */
  get command(): [program: string, args: string[]] {
    return [path.join(this.#dist, 'bin/containerd-shim-kata-v2'), ['-namespace', NAMESPACE, '-id', this.id, 'start']];
  }

  /** Starts it and the container, which keeps running. */
  async run(): Promise<void> {
    this.start();
    await this.connect();
    await this.create();
    await this.task.start({ id: this.id });
  }

  /** Runs `start`. */
  start(): void {
    const env = { ...process.env, TTRPC_ADDRESS: '' };
    const { status, stderr } = spawnSync(...this.command, { cwd: this.bundle, env, encoding: 'utf8', timeout: 10_000 });
    if (status !== 0) throw new Error(`the shim did not start: ${stderr}`);
  }

  async connect(): Promise<void> {
    const address = fs.readFileSync(path.join(this.bundle, 'address'), 'utf8').replace('unix://', '');
    const socket = net.connect(address);
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    this.#connection = new TtrpcClient(socketStream(socket), 'the shim');
  }

  get task(): ServiceClient<TaskDefinition> {
    return createClient(TaskDefinition, this.#connection!);
  }

  /** The shim's own pid. */
  get pid(): number {
    return Number(fs.readFileSync(path.join(this.bundle, 'shim.pid'), 'utf8'));
  }

  async create(): Promise<void> {
    const { id, bundle } = this;
    const rootfs = [{ type: 'erofs', source: this.#image, options: ['ro'] }];
    await this.task.create({ id, bundle, rootfs }, { timeoutMs: CALL_TIMEOUT_MS });
  }

  /** Runs one more process in the container to its end. */
  async exec(execId: string, args: string[], stdio: { stdout?: string } = {}): Promise<number> {
    const { id } = this;
    const spec = { args, cwd: '/', env: ['PATH=/bin:/usr/bin'], user: { uid: 0, gid: 0 }, terminal: false };
    const value = new TextEncoder().encode(JSON.stringify(spec));
    const typeUrl = 'types.containerd.io/opencontainers/runtime-spec/1/Process';
    await this.task.exec({ id, execId, spec: { typeUrl, value }, ...stdio });
    await this.task.start({ id, execId }, { timeoutMs: CALL_TIMEOUT_MS });
    const { exitStatus } = await this.task.wait({ id, execId }, { timeoutMs: CALL_TIMEOUT_MS });
    await this.task.delete({ id, execId });
    return exitStatus;
  }

  /** Ends the container, its VM and the shim. */
  async end(): Promise<void> {
    const { id } = this;
    await this.task.kill({ id, signal: 9 });
    await this.task.wait({ id });
    await this.task.delete({ id });
    await this.leave();
  }

  /** Ends the shim, which has no container any more. */
  async leave(): Promise<void> {
    await this.task.shutdown({ id: this.id });
    await this.#connection!.closed;
    fs.rmSync(this.bundle, { recursive: true, force: true });
  }
}
