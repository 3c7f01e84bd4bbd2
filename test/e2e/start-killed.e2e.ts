// `containerd-shim-kata-v2 start` that is killed after there is a shim and before anybody heard of it: the shim ends, with
// all that it has. A start stands still at that moment when whoever reads its answer does not.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { busyboxRoot, connectTo, makeBundle } from '../harness/direct-shim.ts';
import { coverState, kata, traces } from '../harness/kata-runtime.ts';
import { testConfig } from '../harness/test-config.ts';

const LIMIT = { timeout: 60_000 };
const SHIM = path.resolve('dist/bin/containerd-shim-kata-v2');
const SOCKETS = '/run/containerd/s';
/** Longer than a shim takes to find out, shorter than anybody would want to wait. */
const STAYS_MS = 500;

let uncover: () => void;
let folder: string;
let root: string;
before(async () => {
  uncover = coverState();
  folder = fs.mkdtempSync(path.join(tmpdir(), 'kata-ts-start-killed-'));
  root = await busyboxRoot(folder);
});
after(() => {
  uncover();
  fs.rmSync(folder, { recursive: true, force: true });
});
afterEach(() => assert.deepEqual(traces(), [], 'something was left behind'));

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const startMs = Date.now(); Date.now() - startMs < 10_000; await sleep(20)) if (holds()) return;
  assert.fail(`not within 10 s: ${what}`);
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\tZ/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** The VMM that a shim has started, if it has. */
const vmmOf = (shim: number): number[] =>
  fs.readFileSync(`/proc/${shim}/task/${shim}/children`, 'utf8').split(' ').filter(Boolean).map(Number);

/** A start whose shim is there, and whose answer cannot be written yet. */
class HeldStart {
  readonly bundle: string;
  readonly #fifo: number;
  readonly #child: ChildProcess;

  constructor(id: string, env: Record<string, string> = {}) {
    this.bundle = makeBundle(folder, id, root, ['true']);
    const fifo = path.join(this.bundle, 'answer');
    execFileSync('mkfifo', [fifo]);
    this.#fifo = fs.openSync(fifo, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
    this.#fill();
    const stdout = fs.openSync(fifo, 'w');
    const words = ['-namespace', 'direct', '-address', '', '-publish-binary', '', '-id', id, '-bundle', this.bundle];
    this.#child = spawn(SHIM, [...words, 'start'], {
      stdio: ['ignore', stdout, 'inherit'],
      env: { ...process.env, ...env },
    });
    fs.closeSync(stdout);
  }

  #fill(): void {
    const chunk = Buffer.alloc(4096);
    try {
      for (;;) fs.writeSync(this.#fifo, chunk);
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN');
    }
  }

  /** The shim's process, once the start has nothing left but to answer. */
  async shim(): Promise<number> {
    await until('the address is written', () => fs.existsSync(path.join(this.bundle, 'address')));
    const pid = Number(fs.readFileSync(path.join(this.bundle, 'shim.pid'), 'utf8'));
    assert.ok(isAlive(pid));
    return pid;
  }

  get socketPath(): string {
    return fs.readFileSync(path.join(this.bundle, 'address'), 'utf8').replace('unix://', '');
  }

  async kill(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
    fs.closeSync(this.#fifo);
  }

  /** Lets it answer; its exit status. */
  async release(): Promise<number> {
    const ended = once(this.#child, 'exit');
    const buffer = Buffer.alloc(65536);
    fs.readSync(this.#fifo, buffer);
    const [status] = await ended;
    fs.closeSync(this.#fifo);
    return status;
  }
}

/** Nobody's calls were refused meanwhile, and it ends when it is told to. */
async function endsOnDemand(shim: number, socketPath: string): Promise<void> {
  (await connectTo(socketPath)).destroy();
  process.kill(shim, 'SIGTERM');
  await until('the shim has ended', () => !isAlive(shim));
}

describe('a start that is killed before it answers', () => {
  it('takes the shim that it made with it, and the socket', LIMIT, async () => {
    const held = new HeldStart('killed');
    const shim = await held.shim();
    await held.kill();
    await until('the shim has ended', () => !isAlive(shim));
    assert.deepEqual(fs.readdirSync(SOCKETS), []);
  });

  it('and would have left a shim that stays, had it answered', LIMIT, async () => {
    const held = new HeldStart('answers');
    const shim = await held.shim();
    assert.equal(await held.release(), 0);
    await sleep(STAYS_MS);
    await endsOnDemand(shim, held.socketPath);
  });
});

describe('with a pool', () => {
  let env: Record<string, string>;
  before(() => {
    const keys = { template_path: '"/run/held-templates"', default_memory: '256', vm_cache_number: '1' };
    env = { KATA_CONF_FILE: testConfig(folder, { ...keys, vm_cache_endpoint: '"/run/held-pool/cache.sock"' }) };
  });
  afterEach(async () => void (await kata(['factory', 'destroy'], { env })));
  const init = async () => assert.match((await kata(['factory', 'init'], { env })).stdout, /1 of 1 VMs wait\n$/);
  const keeper = async (): Promise<number> =>
    JSON.parse((await kata(['factory', 'status', '--format', 'json'], { env })).stdout).pool.pid;

  it('a start that is killed before it answers takes the shim out of the pool with it, and its VM', LIMIT, async () => {
    await init();
    const held = new HeldStart('pool-killed', env);
    const shim = await held.shim();
    const [vmm = 0] = vmmOf(shim);
    assert.ok(isAlive(vmm));
    await held.kill();
    await until('shim and VM have ended', () => !isAlive(shim) && !isAlive(vmm));
    assert.deepEqual(fs.readdirSync(SOCKETS), []);
  });

  it('a start that answers leaves the shim and its VM', LIMIT, async () => {
    await init();
    const held = new HeldStart('pool-answers', env);
    const shim = await held.shim();
    const [vmm = 0] = vmmOf(shim);
    assert.equal(await held.release(), 0);
    await sleep(STAYS_MS);
    assert.ok(isAlive(vmm));
    await endsOnDemand(shim, held.socketPath);
    assert.ok(!isAlive(vmm));
  });

  it('a shim that the pool gives too late ends, and leaves the socket to the one made instead', LIMIT, async () => {
    await init();
    const pool = await keeper();
    const [late = 0] = vmmOf(pool);
    process.kill(pool, 'SIGSTOP');
    const held = new HeldStart('pool-late', env);
    const shim = await held.shim();
    assert.notEqual(shim, late);
    assert.equal(await held.release(), 0);
    process.kill(pool, 'SIGCONT');
    await until('the one that came late has ended', () => !isAlive(late));
    await endsOnDemand(shim, held.socketPath);
  });
});

describe('a start of kata-runtime', () => {
  it('that is killed at whatever moment leaves nothing, not its socket either', LIMIT, async () => {
    const env = { KATA_CONF_FILE: testConfig(folder, { default_memory: '256', enable_template: 'false' }) };
    for (let delayMs = 0; delayMs < 24; delayMs += 3) {
      const running = kata(['run', '--rm', 'busybox', 'true'], { env });
      const victim = await firstStart();
      await sleep(delayMs);
      try {
        process.kill(victim, 'SIGKILL');
      } catch {
        // It was quicker.
      }
      const { status, stderr } = await running;
      if (status !== 0) assert.match(stderr, /^kata-runtime: .+/m);
      assert.deepEqual(traces(), [], `killed after ${delayMs} ms: ${stderr}`);
    }
  });
});

/** The `start` that kata-runtime runs, as soon as it is there. */
async function firstStart(): Promise<number> {
  for (const startMs = Date.now(); Date.now() - startMs < 10_000; await sleep(1))
    for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
      try {
        if (/containerd-shim-kata-v2\0.*\0start\0$/s.test(fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8')))
          return Number(pid);
      } catch {
        // It has ended.
      }
  assert.fail('no start within 10 s');
}
