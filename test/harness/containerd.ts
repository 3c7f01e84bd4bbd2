// A containerd of a test's own: a version, a folder for all it keeps, and its ctr.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const dist = path.resolve('dist');
const layout = path.join(dist, 'share/kata-containers/images/busybox');
/** The image layout of busybox. */
export const BUSYBOX = layout;
export const IMAGE = 'docker.io/library/busybox:latest';

/** The versions there are: from the version to the folder of its binaries. */
export const versions: Record<string, string> = JSON.parse(process.env.KATA_TS_CONTAINERDS ?? '{}');

export interface Result {
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface Options {
  input?: string | Buffer;
  env?: Record<string, string>;
  timeoutMs?: number;
}

/** Runs a program to its end. What it prints is read as Latin-1, so that every byte counts. */
export async function run(
  argv: readonly string[],
  { input, env = {}, timeoutMs = 60_000 }: Options = {},
): Promise<Result> {
  const child = spawn(argv[0]!, argv.slice(1), { env: { ...process.env, ...env } });
  const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  for (const name of ['stdout', 'stderr'] as const) child[name].on('data', (chunk) => chunks[name].push(chunk));
  // A program that ends without reading its input is no failure of the test.
  child.stdin.on('error', () => {});
  child.stdin.end(input ?? '');
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  const [status] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  const text = (name: 'stdout' | 'stderr') => Buffer.concat(chunks[name]).toString('latin1');
  return { status, stdout: text('stdout'), stderr: text('stderr') };
}

/** How a containerd differs from the usual one. */
export interface ContainerdSetup {
  env?: Record<string, string>;
  /** Its settings beside its paths, in TOML; by default CRI is off. `folder` is what it may keep things in. */
  settings?: (folder: string) => string;
  /** A command that it is run by. */
  prefix?: readonly string[];
}

const WITHOUT_CRI =
  'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"]';

/** One containerd, with the shim of dist/ on its path and the busybox image in its store. */
export class Containerd {
  readonly folder: string;
  readonly address: string;
  readonly #binaries: string;
  readonly #env: Record<string, string>;
  readonly #prefix: readonly string[];
  #process: ChildProcess;
  #log = '';

  private constructor(binaries: string, version: string, setup: ContainerdSetup) {
    this.#binaries = binaries;
    this.#env = setup.env ?? {};
    this.#prefix = setup.prefix ?? [];
    this.folder = fs.mkdtempSync(path.join(tmpdir(), 'kata-ts-ctd-'));
    this.address = path.join(this.folder, 'containerd.sock');
    const config = path.join(this.folder, 'config.toml');
    const settings = [
      `version = ${version.startsWith('1.') ? 2 : 3}`,
      `root = "${this.folder}/root"`,
      `state = "${this.folder}/state"`,
      setup.settings === undefined ? WITHOUT_CRI : '',
      `[grpc]\n  address = "${this.address}"`,
      setup.settings?.(this.folder) ?? '',
    ];
    fs.writeFileSync(config, `${settings.join('\n')}\n`);
    this.#process = this.#spawn();
  }

  #spawn(): ChildProcess {
    const config = path.join(this.folder, 'config.toml');
    const daemon = [path.join(this.#binaries, 'containerd'), '--config', config, '--log-level', 'debug'];
    const [program = '', ...args] = [...this.#prefix, ...daemon];
    const child = spawn(program, args, {
      env: { ...process.env, ...this.#env, PATH: `${dist}/bin:${this.#binaries}:${process.env.PATH}` },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr?.on('data', (chunk) => {
      this.#log += chunk;
    });
    return child;
  }

  static async start(version: string, setup: ContainerdSetup = {}): Promise<Containerd> {
    const binaries = versions[version];
    assert.ok(binaries, `containerd ${version} is expected in KATA_TS_CONTAINERDS`);
    const containerd = new Containerd(binaries, version, setup);
    await containerd.#serves();
    await containerd.importLayout(layout, 'docker.io/library/busybox');
    return containerd;
  }

  async #serves(): Promise<void> {
    for (let waitedMs = 0; (await this.ctr(['version'])).status !== 0; waitedMs += 100) {
      assert.ok(waitedMs < 20_000, `containerd did not come up:\n${this.log}`);
      await sleep(100);
    }
  }

  /** Ends the daemon, not its shims, and starts it again with all that it kept, `pauseMs` later. */
  async restart(pauseMs = 0, signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    await this.#end(signal);
    await sleep(pauseMs);
    this.#process = this.#spawn();
    await this.#serves();
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill(signal);
    await ended;
  }

  /** What it and its shims logged. */
  get log(): string {
    return this.#log;
  }

  /** The path of its ctr. */
  get client(): string {
    return path.join(this.#binaries, 'ctr');
  }

  ctr(args: readonly string[], options?: Options): Promise<Result> {
    return run([this.client, '--address', this.address, ...args], options);
  }

  /** `ctr run` with our runtime. */
  run(args: readonly string[], options?: Options): Promise<Result> {
    return this.ctr(['run', '--runtime', 'io.containerd.kata.v2', ...args], options);
  }

  /** ctr that must succeed; what it printed. */
  async ok(args: readonly string[], options?: Options): Promise<string> {
    const { status, stdout, stderr } = await this.ctr(args, options);
    assert.equal(status, 0, `ctr ${args.join(' ')}: ${stderr}\n${this.#log.split('\n').slice(-20).join('\n')}`);
    return stdout;
  }

  /** A container that sleeps, for execs. */
  async sleeper(id: string, ...args: string[]): Promise<void> {
    const result = await this.run(['-d', ...args, IMAGE, id, 'sleep', '3600']);
    assert.equal(result.status, 0, `${result.stderr}\n${this.#log.split('\n').slice(-20).join('\n')}`);
  }

  /** Ends a container, whatever state it is in. */
  async end(id: string): Promise<void> {
    await this.ctr(['task', 'kill', '-s', 'SIGKILL', id]);
    await this.waitFor(id, (state) => state !== 'RUNNING');
    await this.ctr(['task', 'rm', '-f', id]);
    await this.ctr(['container', 'rm', id]);
  }

  /** RUNNING, STOPPED, PAUSED, or undefined when there is no such task. */
  async state(id: string): Promise<string | undefined> {
    const row = (await this.ok(['task', 'ls'])).split('\n').find((line) => line.split(/\s+/)[0] === id);
    return row?.split(/\s+/)[2];
  }

  /** Milliseconds until the task's state is as wanted. */
  async waitFor(id: string, wanted: (state: string | undefined) => boolean, limitMs = 10_000): Promise<number> {
    const start = performance.now();
    for (;;) {
      const state = await this.state(id);
      const waitedMs = performance.now() - start;
      if (wanted(state)) return waitedMs;
      assert.ok(waitedMs < limitMs, `task ${id} is ${state} after ${limitMs} ms`);
      await sleep(20);
    }
  }

  /** Everything that containerd tells of tasks, from now until the result is called. */
  async events(): Promise<() => Promise<{ topic: string; event: Record<string, unknown> }[]>> {
    const child = spawn(this.client, ['--address', this.address, 'events']);
    let told = '';
    child.stdout.on('data', (chunk) => {
      told += chunk;
    });
    // It subscribes within this time; there is no sign of it.
    await sleep(300);
    return async () => {
      await sleep(300);
      child.kill();
      await once(child, 'close');
      return told
        .split('\n')
        .filter((line) => line.includes(' /tasks/'))
        .map((line) => {
          const match = / (\/tasks\/\S+) (\{.*\})$/.exec(line);
          assert.ok(match, line);
          return { topic: match[1]!, event: JSON.parse(match[2]!) };
        });
    };
  }

  /** The bundle's folder of a container. */
  bundle(id: string): string {
    return path.join(this.folder, 'state/io.containerd.runtime.v2.task/default', id);
  }

  /** Imports an image layout as `name:latest`. */
  async importLayout(from: string, name: string, namespace = 'default'): Promise<void> {
    const archive = path.join(this.folder, 'image.tar');
    assert.equal((await run(['tar', '-C', from, '-cf', archive, '.'])).status, 0);
    await this.ok(['-n', namespace, 'image', 'import', '--base-name', name, archive]);
    fs.rmSync(archive);
  }

  async stop(): Promise<void> {
    await this.#end();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

export function sleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

/** The processes whose command line says so. */
export function processes(pattern: RegExp): number[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return pattern.test(fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' '));
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** The VMM of a sandbox; it must run. */
export function vmmOf(sandboxId: string): number {
  const [pid] = processes(new RegExp(`qemu-system.*-name sandbox-${sandboxId}\\b`));
  assert.ok(pid, `sandbox ${sandboxId} has no VMM`);
  return pid;
}

/** The shim of a container; it must run. */
export function shimOf(id: string): number {
  const [pid] = processes(new RegExp(`containerd-shim-kata-v2.* -id ${id}\\b`));
  assert.ok(pid, `container ${id} has no shim`);
  return pid;
}

/** All that a container may leave on the host, to be compared before and after. */
export function footprint(): Record<string, string[]> {
  const list = (folder: string) => (fs.existsSync(folder) ? fs.readdirSync(folder).sort() : []);
  const lines = (file: string, pattern: RegExp) =>
    fs
      .readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => pattern.test(line));
  return {
    processes: processes(/qemu-system|containerd-shim-kata|mkfs\.erofs/).map(String),
    mounts: lines('/proc/self/mountinfo', /kata/),
    sandboxes: list('/run/kata'),
    sockets: list('/run/containerd/s'),
    cgroups: lines('/proc/self/cgroup', /kata/),
  };
}

/** The footprint once the shims that were told to end have ended, which takes them a few milliseconds. */
export async function settledFootprint(): Promise<ReturnType<typeof footprint>> {
  for (let tries = 0; footprint().processes!.length > 0 && tries < 100; tries++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  return footprint();
}
