// VMs that wait: taken by one start each, replaced, and gone with their pool.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { Containerd, IMAGE } from '../harness/containerd.ts';
import { coverState, kata, traces } from '../harness/kata-runtime.ts';
import { testConfig } from '../harness/test-config.ts';

const LIMIT = { timeout: 120_000 };
const SIZE = 2;

interface Status {
  pid: number;
  ready: number;
  wanted: number;
  given: number;
}

let uncover: () => void;
let folder: string;
let env: Record<string, string>;
before(() => {
  uncover = coverState();
  folder = fs.mkdtempSync(path.join(tmpdir(), 'kata-ts-pool-'));
  const keys = { template_path: '"/run/pool-templates"', default_memory: '256', vm_cache_number: `${SIZE}` };
  env = { KATA_CONF_FILE: testConfig(folder, { ...keys, vm_cache_endpoint: '"/run/pool/cache.sock"' }) };
});
after(() => {
  uncover();
  fs.rmSync(folder, { recursive: true, force: true });
});
afterEach(async () => {
  await kata(['factory', 'destroy'], { env });
  assert.deepEqual(waiting(), [], 'VMs of a pool were left behind');
  assert.deepEqual(traces(), [], 'something was left behind');
});

const status = async (): Promise<Status | null> =>
  JSON.parse((await kata(['factory', 'status', '--format', 'json'], { env })).stdout).pool;

/** The QEMUs that were started for the pool and are there, given away or not. */
function waiting(): number[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('sandbox-pool');
      } catch {
        return false;
      }
    })
    .map(Number);
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const startMs = Date.now(); Date.now() - startMs < 40_000; ) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`not within 40 s: ${what}`);
}

const full = () => until('the pool is full', async () => (await status())?.ready === SIZE);
const init = async () => assert.match((await kata(['factory', 'init'], { env })).stdout, /2 of 2 VMs wait\n$/);
const hello = async () => {
  const { stdout, stderr } = await kata(
    ['run', '--rm', 'busybox', 'sh', '-c', 'hostname; cat /proc/sys/kernel/random/boot_id'],
    { env },
  );
  assert.match(stdout, /^[0-9a-f]{12}\n[0-9a-f-]{36}\n$/, stderr);
  return stdout;
};

describe('a pool', () => {
  it('gives a VM to each start and replaces it; a second init finds it', LIMIT, async () => {
    await init();
    await init();
    await hello();
    assert.equal((await status())?.given, 1);
    await full();
    assert.equal(waiting().length, SIZE);
  });

  it('keeps its VMs from a start whose annotations ask for another one', LIMIT, async () => {
    await init();
    const asked = 'io.katacontainers.config.hypervisor.default_memory=320';
    const {
      status: code,
      stdout,
      stderr,
    } = await kata(['run', '--rm', '--annotation', asked, 'busybox', 'grep', 'MemTotal', '/proc/meminfo'], { env });
    assert.equal(code, 0, stderr);
    assert.ok(Number(/(\d+) kB/.exec(stdout)?.[1]) > 256 * 1024, stdout);
    const pool = await status();
    assert.deepEqual([pool?.given, pool?.ready], [0, SIZE]);
  });

  it('never gives a VM twice: more starts at once than VMs all run, each in one of its own', LIMIT, async () => {
    await init();
    const said = await Promise.all([1, 2, 3, 4].map(hello));
    assert.equal(new Set(said).size, 4);
    assert.equal((await status())?.given, SIZE);
  });

  it('replaces a VM that ends while it waits', LIMIT, async () => {
    await init();
    const [victim = 0] = waiting();
    process.kill(victim, 'SIGKILL');
    await until('another one waits', async () => !waiting().includes(victim) && (await status())?.ready === SIZE);
    await hello();
  });

  it('ends at once although a VM is being made', LIMIT, async () => {
    await init();
    await hello();
    const isMade = async () => waiting().length === SIZE && (await status())?.ready === SIZE - 1;
    await until('the next one is being made', isMade);
    const startMs = Date.now();
    await kata(['factory', 'destroy'], { env });
    assert.ok(Date.now() - startMs < 3000);
    assert.deepEqual(waiting(), []);
  });

  it('that is killed takes the waiting VMs with it; a start does without, and containers go on', LIMIT, async () => {
    await init();
    await kata(['run', '-d', '--name', 'stays', 'busybox', 'sleep', '100'], { env });
    await full();
    process.kill((await status())!.pid, 'SIGKILL');
    await until('the VMs that waited are gone', () => waiting().length === 1);
    assert.equal((await kata(['exec', 'stays', 'echo', 'on'], { env })).stdout, 'on\n');
    await hello();
    await kata(['rm', '-f', 'stays'], { env });
    await init();
    await hello();
  });

  it('serves only the guest that is asked for', LIMIT, async () => {
    await init();
    const [file = ''] = Object.values(env);
    const other = file.replace('.toml', '-other.toml');
    fs.writeFileSync(other, fs.readFileSync(file, 'utf8').replace(/^default_memory = .*$/m, 'default_memory = 384'));
    const { stdout, stderr } = await kata(['run', '--rm', 'busybox', 'grep', 'MemTotal', '/proc/meminfo'], {
      env: { KATA_CONF_FILE: other },
    });
    const kib = Number(/(\d+) kB/.exec(stdout)?.[1]);
    assert.ok(kib > 260 * 1024, `${stdout}${stderr}`);
    await full();
  });

  it('serves containerd as well', LIMIT, async () => {
    await init();
    const containerd = await Containerd.start('1.6', { env });
    try {
      const { status: code, stdout, stderr } = await containerd.run(['--rm', IMAGE, 'first', 'echo', 'from the pool']);
      assert.equal(stdout, 'from the pool\n', stderr);
      assert.equal(code, 0);
      assert.equal((await status())?.given, 1);
    } finally {
      await containerd.stop();
    }
  });
});
