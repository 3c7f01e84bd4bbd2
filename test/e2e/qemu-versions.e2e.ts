// The runtime with QEMUs newer than the host's: what changed in their options, commands and sandbox must not matter.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Containerd, footprint, IMAGE, settledFootprint, vmmOf } from '../harness/containerd.ts';
import { coverState, kata, traces } from '../harness/kata-runtime.ts';
import { testConfig } from '../harness/test-config.ts';

const LIMIT = { timeout: 120_000 };
/** From version to the program. */
const qemus: Record<string, string> = JSON.parse(process.env.KATA_TS_QEMUS ?? '{}');
assert.ok(Object.keys(qemus).length > 0, 'QEMUs are expected in KATA_TS_QEMUS');

for (const [version, program] of Object.entries(qemus)) {
  describe(`QEMU ${version}`, () => {
    let folder: string;
    let env: Record<string, string>;
    let templates: string;
    let uncover: () => void;
    before(() => {
      folder = mkdtempSync(path.join(tmpdir(), 'kata-ts-qemu-'));
      templates = mkdtempSync('/run/templates-');
      const keys = { path: JSON.stringify(program), template_path: JSON.stringify(templates) };
      env = { KATA_CONF_FILE: testConfig(folder, keys) };
      uncover = coverState();
    });
    after(() => {
      assert.deepEqual(traces(), [], 'something was left behind');
      uncover();
      rmSync(folder, { recursive: true, force: true });
    });

    it('runs a container of kata-runtime, within the strict sandbox', LIMIT, async () => {
      const { status, stdout, stderr } = await kata(['run', '--rm', 'busybox', 'sh', '-c', 'uname -r; exit 7'], {
        env,
      });
      assert.equal(status, 7, stderr);
      assert.match(stdout, /^\d+\.\d+\..*-amd64\n$/);
      // QEMU itself was saved, whatever it waits by: its clones go on where it stopped.
      const [name = ''] = readdirSync(templates).filter((entry) => /^[0-9a-f]{16}$/.test(entry));
      assert.ok(existsSync(path.join(templates, name, 'process.json')));
    });

    it('grows by what a container may use', LIMIT, async () => {
      const script = 'nproc; grep MemTotal /proc/meminfo';
      const { stdout, stderr } = await kata(
        ['run', '--rm', '--cpus', '0.5', '--memory', '500m', 'busybox', 'sh', '-c', script],
        { env },
      );
      const [, vcpus, kib] = /^(\d+)\nMemTotal:\s+(\d+) kB\n$/.exec(stdout) ?? assert.fail(stderr);
      assert.equal(Number(vcpus), Math.min(2, availableParallelism()));
      // The configured 2048 MiB, and 512 in modules.
      assert.ok(Number(kib) > 2300 * 1024 && Number(kib) < 2560 * 1024, stdout);
    });

    it('plugs the disk of a pod’s second container in and out while the pod runs', LIMIT, async () => {
      const clean = footprint();
      const containerd = await Containerd.start('1.7', env);
      try {
        const member = (type: string) => ['--annotation', `io.kubernetes.cri.container-type=${type}`];
        const pod = ['--annotation', 'io.kubernetes.cri.sandbox-id=pod'];
        await containerd.sleeper('pod', ...member('sandbox'), ...pod);
        const vmm = vmmOf('pod');
        const command = readFileSync(`/proc/${vmm}/cmdline`, 'utf8').split('\0');
        assert.ok(
          command.some((word) => word === path.join(path.dirname(program), 'usr/bin/qemu-system-x86_64')),
          command.join(' '),
        );
        assert.ok(command.includes('-sandbox'));
        for (const id of ['one', 'two']) {
          const run = ['--rm', ...member('container'), ...pod, IMAGE, id, 'sh', '-c', 'cat /proc/mounts; hostname'];
          const { status, stdout, stderr } = await containerd.run(run);
          assert.equal(status, 0, stderr);
          assert.match(stdout, / \/ overlay /);
        }
        assert.equal(vmmOf('pod'), vmm);
        await containerd.end('pod');
        assert.deepEqual(await settledFootprint(), clean);
      } finally {
        await containerd.stop();
      }
    });
  });
}
