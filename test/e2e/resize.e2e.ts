// VMs that get the size that their containers ask for: booted, from a template, out of a pool; when they start and while they run.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { busyboxRoot, DirectShim, makeBundle } from '../harness/direct-shim.ts';
import { coverState, kata, traces } from '../harness/kata-runtime.ts';
import { testConfig } from '../harness/test-config.ts';

const LIMIT = { timeout: 120_000 };
const MIB = 2 ** 20;
/** Of the guest; a little less is left of it for programs. */
const DEFAULT_MIB = 256;
/** Memory is plugged in by so much. */
const BLOCK_MIB = 128;
/** The kernel's notes on a page take 64 of its 4096 bytes. */
const USABLE = 0.98;
/** A VM has at most as many processors as the host. */
const most = (vcpus: number): number => Math.min(vcpus, availableParallelism());

const LOOK = 'nproc; grep MemTotal /proc/meminfo';

function sizeOf(stdout: string): { vcpus: number; mib: number } {
  const [, vcpus, kib] = /^(\d+)\nMemTotal:\s+(\d+) kB\n$/.exec(stdout) ?? assert.fail(stdout);
  return { vcpus: Number(vcpus), mib: Number(kib) / 1024 };
}

/** `grown` has `mib` more memory than `small`, rounded up to whole blocks. */
function assertMore(small: { mib: number }, grown: { mib: number }, mib: number): void {
  const expected = Math.ceil(mib / BLOCK_MIB) * BLOCK_MIB;
  const found = grown.mib - small.mib;
  assert.ok(found >= expected * USABLE && found <= expected, `${expected} MiB more are expected, found ${found}`);
}

let uncover: () => void;
let folder: string;
let root: string;
before(async () => {
  uncover = coverState();
  folder = fs.mkdtempSync(path.join(tmpdir(), 'kata-ts-resize-'));
  root = await busyboxRoot(folder);
});
after(async () => {
  await DirectShim.endAll();
  uncover();
  fs.rmSync(folder, { recursive: true, force: true });
});
const configured = (keys: Record<string, string> = {}): string =>
  testConfig(folder, { default_memory: String(DEFAULT_MIB), template_path: '"/run/resize-templates"', ...keys });

for (const [how, keys] of Object.entries<Record<string, string>>({
  'that boots': { enable_template: 'false' },
  'from a template': {},
  'out of a pool': { vm_cache_number: '1', vm_cache_endpoint: '"/run/resize/cache.sock"' },
}))
  describe(`a VM ${how}`, () => {
    let env: Record<string, string>;
    before(() => {
      env = { KATA_CONF_FILE: configured(keys) };
    });
    after(async () => {
      await kata(['factory', 'destroy'], { env });
      assert.deepEqual(traces(), [], 'something was left behind');
    });
    const pooled = (): boolean => keys.vm_cache_number !== undefined;
    const look = async (...flags: string[]) => {
      // Full again: so that each comes out of it.
      if (pooled()) assert.match((await kata(['factory', 'init'], { env })).stdout, /1 of 1 VMs wait/);
      const { stdout, stderr } = await kata(['run', '--rm', ...flags, 'busybox', 'sh', '-c', LOOK], { env });
      return { ...sizeOf(stdout || stderr), stderr };
    };

    it('has the configured size without a limit, and what its container may use besides with one', LIMIT, async () => {
      const small = await look();
      assert.equal(small.vcpus, 1);
      assert.ok(small.mib <= DEFAULT_MIB && small.mib > DEFAULT_MIB * 0.8, `${small.mib} MiB`);
      const large = await look('--cpus', '0.5', '--memory', '300m');
      assert.equal(large.vcpus, most(2));
      assertMore(small, large, 300);
      if (pooled()) {
        const { pool } = JSON.parse((await kata(['factory', 'status', '--format', 'json'], { env })).stdout);
        assert.equal(pool.given, 2);
      } else if (keys.enable_template === undefined) {
        const { stdout } = await kata(['factory', 'status', '--format', 'json'], { env });
        assert.equal(JSON.parse(stdout).templates.length, 1, stdout);
      }
    });
  });

describe('a VM that runs', () => {
  let count = 0;
  const bundle = (script: string, resources: object = {}) =>
    makeBundle(folder, `resized-${++count}`, root, ['sh', '-c', script], (spec) => {
      spec.linux.namespaces.push({ type: 'cgroup' });
      spec.linux.resources = resources;
    });
  const start = async (keys: Record<string, string> = {}, resources: object = {}): Promise<DirectShim> => {
    const shim = await DirectShim.start(bundle('sleep 1000', resources));
    await shim.create(shim.bundle, { configPath: configured(keys) });
    await shim.task.start({ id: shim.id });
    return shim;
  };
  const look = async (shim: DirectShim, resources: object = {}) =>
    sizeOf((await shim.run(bundle(LOOK, resources))).stdout);
  const update = (shim: DirectShim, resources: object) =>
    shim.task.update({ id: shim.id, resources: { typeUrl: '', value: Buffer.from(JSON.stringify(resources)) } });
  const end = async (shim: DirectShim): Promise<void> => {
    await shim.task.kill({ id: shim.id, signal: 9 });
    await shim.task.wait({ id: shim.id });
    await shim.task.delete({ id: shim.id });
    await shim.end();
    assert.deepEqual(traces(), [], 'something was left behind');
  };
  afterEach(() => DirectShim.endAll());

  it(
    'grows with a container that comes later and with one whose limits are raised, and keeps what it has',
    LIMIT,
    async () => {
      const shim = await start();
      const small = await look(shim);
      assert.equal(small.vcpus, 1);
      assertMore(small, await look(shim, { memory: { limit: 200 * MIB } }), 200);
      // The one before is gone: its room is the next one's.
      assertMore(small, await look(shim, { memory: { limit: 250 * MIB } }), 200);
      await update(shim, { memory: { limit: 512 * MIB }, cpu: { quota: 100_000, period: 100_000 } });
      const large = await look(shim);
      assert.equal(large.vcpus, most(2));
      assertMore(small, large, 512);
      await update(shim, { memory: { limit: 64 * MIB } });
      assertMore(small, await look(shim), 512);
      await end(shim);
    },
  );

  it('has room up to default_maxvcpus and default_maxmemory, and says what it cannot give', LIMIT, async () => {
    const keys = { default_maxvcpus: '1', default_maxmemory: '640' };
    const shim = await start(keys, { memory: { limit: 4096 * MIB }, cpu: { quota: 800_000, period: 100_000 } });
    const size = await look(shim);
    assert.equal(size.vcpus, 1);
    assert.ok(size.mib > 640 * 0.85 && size.mib <= 640, `${size.mib} MiB`);
    assert.match(shim.log, /level=warning.*has 1 vCPUs and 640 MiB where its containers may use 9 vCPUs and 4352 MiB/);
    assert.match(shim.log, /default_maxvcpus, default_maxmemory and memory_slots/);
    await end(shim);
  });

  it('has its size from the start and for good when that is configured', LIMIT, async () => {
    const shim = await start({ static_sandbox_resource_mgmt: 'true' }, { memory: { limit: 128 * MIB } });
    const size = await look(shim);
    assert.ok(size.mib > 256 + 128 - 60 && size.mib < 256 + 128, `${size.mib} MiB`);
    const later = await look(shim, { memory: { limit: 512 * MIB }, cpu: { quota: 100_000, period: 100_000 } });
    assert.deepEqual(later, size);
    await end(shim);
  });
});
