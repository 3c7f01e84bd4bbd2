// A pod's annotations change its VM, as far as the configuration allows; see kata-facts §5.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Containerd, IMAGE, versions } from '../harness/containerd.ts';
import { coverState, kata, traces } from '../harness/kata-runtime.ts';
import { testConfig } from '../harness/test-config.ts';

const LIMIT = { timeout: 120_000 };
const HYPERVISOR = 'io.katacontainers.config.hypervisor.';
const MEMORY = ['grep', 'MemTotal', '/proc/meminfo'];
const folder = mkdtempSync(path.join(tmpdir(), 'kata-ts-annotations-'));
const ENABLED = '["default_memory", "default_vcpus", "kernel.*", "path", "hash"]';
const config = testConfig(folder, { enable_template: 'false', enable_annotations: ENABLED });
let uncover: () => void;

before(() => {
  uncover = coverState();
});
after(() => {
  assert.deepEqual(traces(), [], 'something was left behind');
  uncover();
  rmSync(folder, { recursive: true });
});

const mib = (text: string): number => Number(/MemTotal: +(\d+) kB/.exec(text)?.[1]) / 1024;

/** Runs a container with these annotations. */
function run(annotations: Record<string, string>, command: string[], file = config) {
  const flags = Object.entries(annotations).flatMap(([name, value]) => ['--annotation', `${name}=${value}`]);
  return kata(['--config', file, 'run', '--rm', ...flags, 'busybox', ...command]);
}

describe('a container with annotations', () => {
  it('has the memory and the kernel parameters that it asks for', LIMIT, async () => {
    const asked = { [`${HYPERVISOR}default_memory`]: '384', [`${HYPERVISOR}kernel_params`]: 'kata.test=yes' };
    const { status, stdout, stderr } = await run(asked, ['sh', '-c', 'grep MemTotal /proc/meminfo; cat /proc/cmdline']);
    assert.equal(status, 0, stderr);
    assert.ok(mib(stdout) > 256 && mib(stdout) < 384, stdout);
    assert.match(stdout, / kata\.test=yes\n$/);
  });

  it('is a clone of a template of its own size', LIMIT, async () => {
    const file = testConfig(folder, { enable_annotations: ENABLED, template_path: `"${folder}/templates"` });
    const asked = { [`${HYPERVISOR}default_memory`]: '384' };
    const annotation = Object.entries(asked).map(([name, value]) => `${name}=${value}`);
    try {
      const first = await run(asked, MEMORY, file);
      assert.equal(first.status, 0, first.stderr);
      assert.ok(mib(first.stdout) < 384, first.stdout);
      const made = await kata(['--config', file, 'factory', 'init', '--no-pool', '--annotation', annotation[0]!]);
      assert.match(made.stdout, /: there already\n$/, made.stderr);
    } finally {
      await kata(['--config', file, 'factory', 'destroy']);
    }
  });

  it(
    'is refused when one is not enabled, names a path that is not valid, or a value that cannot be',
    LIMIT,
    async () => {
      const cases: [annotations: Record<string, string>, said: RegExp][] = [
        [
          { [`${HYPERVISOR}enable_iothreads`]: 'true' },
          /annotation .*enable_iothreads is not enabled .*enable_annotations/,
        ],
        [{ [`${HYPERVISOR}path`]: '/bin/true' }, /annotation .*path: expected a path of valid_hypervisor_paths/],
        [{ [`${HYPERVISOR}default_memory`]: '64' }, /annotation .*default_memory: expected a whole number from 256/],
        [
          { [`${HYPERVISOR}kernel_verity_params`]: 'x' },
          /annotation .*kernel_verity_params .*cannot be served: .*dm-verity/,
        ],
        [
          { 'io.katacontainers.config.agent.policy': 'eA==' },
          /annotation .*policy .*cannot be served: .*policy engine/,
        ],
      ];
      for (const [annotations, said] of cases) {
        const { status, stderr } = await run(annotations, ['true']);
        assert.equal(status, 125, stderr);
        assert.match(stderr, said);
      }
    },
  );

  it('runs with a kernel of the hash that it demands, and not with another one', LIMIT, async () => {
    const kernel = path.resolve('dist/share/kata-containers/vmlinux.container');
    const hash = spawnSync('sha512sum', [kernel], { encoding: 'utf8' }).stdout.slice(0, 128);
    const right = await run({ [`${HYPERVISOR}kernel_hash`]: hash }, ['echo', 'ran']);
    assert.deepEqual([right.status, right.stdout], [0, 'ran\n'], right.stderr);
    const wrong = await run({ [`${HYPERVISOR}kernel_hash`]: '0'.repeat(128) }, ['true']);
    assert.equal(wrong.status, 125);
    assert.match(
      wrong.stderr,
      new RegExp(`kernel_hash: ${kernel} is expected to have the SHA-512 0{128}, it has ${hash}`),
    );
  });
});

describe('a pod under containerd', () => {
  let containerd: Containerd;
  before(async () => {
    containerd = await Containerd.start(Object.keys(versions)[0]!, { KATA_CONF_FILE: config });
  }, LIMIT);
  after(() => containerd?.stop(), LIMIT);

  const annotated = (annotations: Record<string, string>) =>
    Object.entries(annotations).flatMap(([name, value]) => ['--annotation', `${name}=${value}`]);
  const ofPod = (type: string) => ({
    'io.kubernetes.cri.container-type': type,
    'io.kubernetes.cri.sandbox-id': 'pod1',
  });

  it('is sized by its sandbox; what a later container asks for is not looked at', LIMIT, async () => {
    const sandbox = { ...ofPod('sandbox'), [`${HYPERVISOR}default_memory`]: '384' };
    await containerd.sleeper('pod1', ...annotated(sandbox));
    try {
      const later = {
        ...ofPod('container'),
        [`${HYPERVISOR}default_memory`]: '1024',
        [`${HYPERVISOR}rootless`]: 'true',
      };
      const { status, stdout, stderr } = await containerd.run([
        ...['--rm', ...annotated(later), IMAGE, 'second', ...MEMORY],
      ]);
      assert.equal(status, 0, stderr);
      assert.ok(mib(stdout) > 256 && mib(stdout) < 384, stdout);
    } finally {
      await containerd.end('pod1');
    }
  });

  it('whose sandbox asks for what is not enabled does not start, and leaves nothing', LIMIT, async () => {
    const asked = { ...ofPod('sandbox'), [`${HYPERVISOR}enable_iothreads`]: 'true' };
    const { status, stderr } = await containerd.run([...annotated(asked), IMAGE, 'pod1', 'true']);
    assert.notEqual(status, 0);
    assert.match(stderr, /enable_iothreads is not enabled/);
    await containerd.ctr(['container', 'rm', 'pod1']);
  });
});

it('the shipped configuration enables what upstream’s does', () => {
  assert.match(
    readFileSync('config/configuration.toml', 'utf8'),
    /^enable_annotations = \["enable_iommu", "kernel_params", "kernel_verity_params", "default_vcpus", "default_memory"\]$/m,
  );
});
