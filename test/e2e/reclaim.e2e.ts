// Memory that a guest has freed: with reclaim_guest_freed_memory it is the host's again, however the VM came about.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { coverState, kata, traces } from '../harness/kata-runtime.ts';
import { testConfig } from '../harness/test-config.ts';

const LIMIT = { timeout: 120_000 };
const WRITTEN_MIB = 128;
/** Reports come every two seconds, of a few pages each. */
const WITHIN_MS = 40_000;

let uncover: () => void;
let folder: string;
before(() => {
  uncover = coverState();
  folder = fs.mkdtempSync(path.join(tmpdir(), 'kata-ts-reclaim-'));
});
after(() => {
  uncover();
  fs.rmSync(folder, { recursive: true, force: true });
});
afterEach(() => assert.deepEqual(traces(), [], 'something was left behind'));

/** MiB of the VM that are in the host's memory. */
function residentMib(id: string): number {
  const { vmm } = JSON.parse(fs.readFileSync(`/run/kata/${id}/state.json`, 'utf8'));
  const rollup = fs.readFileSync(`/proc/${vmm.pid}/smaps_rollup`, 'utf8');
  return Number(/^Rss:\s+(\d+) kB$/m.exec(rollup)![1]) / 1024;
}

/** Writes files in the guest's memory, and removes them: MiB of the VM with them, and the least within some time after. */
async function writeAndFree(env: Record<string, string>, withinMs: number): Promise<{ full: number; freed: number }> {
  const { stdout, stderr } = await kata(['run', '-d', '--rm', '--name', 'freeing', 'busybox', 'sleep', '1000'], {
    env,
  });
  try {
    const id = stdout.trim();
    assert.match(id, /^[0-9a-f]{64}$/, stderr);
    const shell = async (script: string): Promise<void> => {
      const done = await kata(['exec', 'freeing', 'sh', '-c', script], { env });
      assert.equal(done.status, 0, done.stderr);
    };
    await shell(`dd if=/dev/zero of=/file bs=1M count=${WRITTEN_MIB}`);
    const full = residentMib(id);
    await shell('rm /file');
    let freed = full;
    for (const startMs = Date.now(); Date.now() - startMs < withinMs && freed > full - WRITTEN_MIB * 0.75; ) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      freed = Math.min(freed, residentMib(id));
    }
    // It works on with what it has left.
    await shell(
      `dd if=/dev/zero of=/file bs=1M count=${WRITTEN_MIB} && test $(wc -c < /file) = ${WRITTEN_MIB * 2 ** 20}`,
    );
    return { full, freed };
  } finally {
    await kata(['rm', '-f', 'freeing'], { env });
  }
}

function configured(keys: Record<string, string>): { env: Record<string, string>; templates: string } {
  const templates = fs.mkdtempSync('/run/templates-');
  const config = testConfig(folder, { template_path: JSON.stringify(templates), default_memory: '512', ...keys });
  return { env: { KATA_CONF_FILE: config }, templates };
}

/** What a template holds: where the guest had nothing, that there is nothing still. */
const contentOf = (file: string): string => createHash('sha256').update(fs.readFileSync(file)).digest('hex');

const assertGivenBack = ({ full, freed }: { full: number; freed: number }): void =>
  assert.ok(freed < full - WRITTEN_MIB * 0.75, `${full.toFixed(0)} MiB with the file, ${freed.toFixed(0)} without`);

describe('memory that a guest has freed', () => {
  it('goes back to the host from a VM that booted', LIMIT, async () => {
    const { env } = configured({ reclaim_guest_freed_memory: 'true', enable_template: 'false' });
    assertGivenBack(await writeAndFree(env, WITHIN_MS));
  });

  for (const [how, damage] of [
    ['goes on from a saved QEMU', () => {}],
    ['has a new QEMU', (template: string) => edit(`${template}/template.json`)],
  ] as [string, (template: string) => void][])
    it(`goes back to the host from a clone that ${how}, and the template stays as it is`, LIMIT, async () => {
      const { env, templates } = configured({ reclaim_guest_freed_memory: 'true' });
      assert.equal((await kata(['factory', 'init'], { env })).status, 0);
      const template = path.join(templates, fs.readdirSync(templates).find((name) => /^[0-9a-f]{16}$/.test(name))!);
      damage(template);
      const before = contentOf(`${template}/memory`);
      assertGivenBack(await writeAndFree(env, WITHIN_MS));
      assert.equal(contentOf(`${template}/memory`), before);
      assert.equal((await kata(['run', '--rm', 'busybox', 'echo', 'up'], { env })).stdout, 'up\n');
    });

  it('stays with a VM unless it is asked for', LIMIT, async () => {
    const { full, freed } = await writeAndFree(configured({}).env, 10_000);
    assert.ok(freed > full - WRITTEN_MIB * 0.25, `${full} MiB with the file, ${freed} without`);
  });
});

/** A template whose QEMU was not saved, as with KVM. */
function edit(description: string): void {
  const text = fs.readFileSync(description, 'utf8');
  const changed = text.replace(/"processChecksum":\d+/, '"processChecksum":null');
  assert.notEqual(changed, text);
  fs.writeFileSync(description, changed);
}
