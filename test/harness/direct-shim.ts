// A shim driven as containerd drives it, but by the test itself: what containerd would never send can be sent.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { Any } from '../../src/protocols/gen/google/protobuf/any.ts';
import { Options } from '../../src/protocols/gen/runtime-options.ts';
import { TaskDefinition } from '../../src/protocols/gen/task.ts';
import { createClient, type ServiceClient, TtrpcClient } from '../../src/ttrpc/client.ts';
import { run } from './containerd.ts';
import { socketStream } from './socket-stream.ts';

const shim = path.resolve('dist/bin/containerd-shim-kata-v2');

/** The spec of a container that the tests begin with; `edit` changes it. */
// biome-ignore lint/suspicious/noExplicitAny: tests write what no type allows.
export type SpecEdit = (spec: any) => void;

const CAPABILITIES = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_KILL',
];

function baseSpec(args: string[]) {
  return {
    ociVersion: '1.1.0',
    process: {
      user: { uid: 0, gid: 0 },
      args,
      env: ['PATH=/bin:/sbin:/usr/bin:/usr/sbin'],
      cwd: '/',
      capabilities: { bounding: CAPABILITIES, effective: CAPABILITIES, permitted: CAPABILITIES },
      noNewPrivileges: true,
    },
    root: { path: 'rootfs' },
    hostname: 'direct',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
      {
        destination: '/dev',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
      },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
      },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
      { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
    ],
    linux: { namespaces: ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })), resources: {}, cgroupsPath: '' },
  };
}

/** Unpacks the busybox image of dist/ as a root file system; once, to be shared as nobody writes to it. */
export async function busyboxRoot(folder: string): Promise<string> {
  const blobs = path.resolve('dist/share/kata-containers/images/busybox/blobs/sha256');
  const layer = fs
    .readdirSync(blobs)
    .map((name) => path.join(blobs, name))
    .reduce((a, b) => (fs.statSync(a).size > fs.statSync(b).size ? a : b));
  const root = path.join(folder, 'rootfs');
  fs.mkdirSync(root);
  assert.equal((await run(['tar', '-C', root, '-xf', layer])).status, 0);
  return root;
}

/** A bundle folder with this process and this root. Its path. */
export function makeBundle(
  folder: string,
  id: string,
  root: string,
  args: string[],
  edit: SpecEdit = () => {},
): string {
  const bundle = path.join(folder, id);
  fs.mkdirSync(bundle);
  const spec = baseSpec(args);
  spec.root.path = root;
  edit(spec);
  fs.writeFileSync(path.join(bundle, 'config.json'), JSON.stringify(spec));
  fs.writeFileSync(path.join(bundle, 'log'), '');
  return bundle;
}

/** One long-lived shim. */
export class DirectShim {
  static readonly #all = new Set<DirectShim>();
  readonly id: string;
  readonly bundle: string;
  readonly socketPath: string;
  readonly pid: number;
  #connection: TtrpcClient;
  task: ServiceClient<typeof TaskDefinition>;

  private constructor(id: string, bundle: string, socketPath: string, connection: TtrpcClient) {
    this.id = id;
    this.bundle = bundle;
    this.socketPath = socketPath;
    this.pid = Number(fs.readFileSync(path.join(bundle, 'shim.pid'), 'utf8'));
    this.#connection = connection;
    this.task = createClient(TaskDefinition, connection);
    DirectShim.#all.add(this);
  }

  /** For `after`: ends what a failed test left. */
  static async endAll(): Promise<void> {
    for (const shim of DirectShim.#all) {
      shim.#connection.close();
      if (shim.alive) process.kill(shim.pid, 'SIGKILL');
      await DirectShim.delete(shim.bundle);
    }
    DirectShim.#all.clear();
  }

  /** Runs `shim start` in the bundle and connects. */
  static async start(bundle: string, env: Record<string, string> = {}): Promise<DirectShim> {
    const id = path.basename(bundle);
    const words = [
      '-namespace',
      'direct',
      '-address',
      '',
      '-publish-binary',
      '',
      '-id',
      id,
      '-bundle',
      bundle,
      'start',
    ];
    const { status, stdout, stderr } = await run([shim, ...words], { env });
    assert.equal(status, 0, stderr);
    const socketPath = stdout.replace(/^unix:\/\//, '');
    const direct = new DirectShim(id, bundle, socketPath, await DirectShim.#connect(socketPath));
    // Answered: so the connection is accepted, and among its descriptors.
    await direct.task.connect({ id });
    return direct;
  }

  static async #connect(socketPath: string): Promise<TtrpcClient> {
    return new TtrpcClient(socketStream(await connectTo(socketPath)), 'the shim');
  }

  /** A second client of the same shim. */
  async another(): Promise<{ task: ServiceClient<typeof TaskDefinition>; close(): void }> {
    const connection = await DirectShim.#connect(this.socketPath);
    return { task: createClient(TaskDefinition, connection), close: () => connection.close() };
  }

  create(
    bundle: string,
    { configPath, stdout = '', stderr = '' }: { configPath?: string; stdout?: string; stderr?: string } = {},
  ) {
    const options =
      configPath === undefined
        ? undefined
        : {
            typeUrl: 'runtimeoptions.v1.Options',
            value: Options.encode({ typeUrl: '', configPath, configBody: new Uint8Array() }).finish(),
          };
    return this.task.create({
      id: path.basename(bundle),
      bundle,
      stdout,
      stderr,
      options: options && Any.decode(Any.encode(options).finish()),
    });
  }

  /** A container's whole life in this shim's VM: how it ended and what it printed (as Latin-1, so that every byte counts). */
  async run(bundle: string, configPath?: string): Promise<{ status: number; stdout: string; stderr: string }> {
    const id = path.basename(bundle);
    const [stdout, stderr] = [path.join(bundle, 'stdout'), path.join(bundle, 'stderr')];
    const targets = { stdout: `file://${stdout}`, stderr: `file://${stderr}` };
    await this.create(bundle, configPath === undefined ? targets : { ...targets, configPath });
    try {
      await this.task.start({ id });
      const { exitStatus } = await this.task.wait({ id });
      const text = (file: string) => fs.readFileSync(file, 'latin1');
      return { status: exitStatus, stdout: text(stdout), stderr: text(stderr) };
    } finally {
      await this.task.delete({ id });
    }
  }

  /** Open descriptors of the shim by what they are, but for its connections. */
  descriptors(): string[] {
    const folder = `/proc/${this.pid}/fd`;
    return fs
      .readdirSync(folder)
      .map((name) => {
        try {
          return fs.readlinkSync(`${folder}/${name}`).replace(/\[\d+\]/, '');
        } catch {
          return '';
        }
      })
      .sort();
  }

  get alive(): boolean {
    try {
      return !/^State:\tZ/m.test(fs.readFileSync(`/proc/${this.pid}/status`, 'utf8'));
    } catch {
      return false;
    }
  }

  get log(): string {
    return fs.readFileSync(path.join(this.bundle, 'log'), 'utf8');
  }

  /** Asks it to end; resolves when it has. */
  async end(limitMs = 10_000): Promise<void> {
    await this.task.shutdown({ id: this.id, now: false }).catch(() => {});
    this.#connection.close();
    await this.gone(limitMs);
    DirectShim.#all.delete(this);
  }

  /** Resolves when the process is gone. */
  async gone(limitMs = 10_000): Promise<void> {
    for (let waitedMs = 0; this.alive; waitedMs += 20) {
      assert.ok(waitedMs < limitMs, `the shim of ${this.id} still runs after ${limitMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** `shim delete`, as containerd runs it when the shim is gone. */
  static delete(bundle: string) {
    const words = [
      '-namespace',
      'direct',
      '-address',
      '',
      '-publish-binary',
      '',
      '-id',
      path.basename(bundle),
      '-bundle',
      bundle,
      'delete',
    ];
    return run([shim, ...words]);
  }
}

/** A plain connection to a unix socket. */
export async function connectTo(socketPath: string): Promise<net.Socket> {
  const socket = net.createConnection(socketPath);
  await once(socket, 'connect');
  return socket;
}
