// Sandboxes whose cgroups systemd makes: a real one, as process 1 of namespaces.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, it } from 'node:test';
import { parseHierarchies } from '../../src/os/cgroup/hierarchy.ts';
import { compileGuestProgram } from '../harness/guest-program.ts';
import { Systemd, type SystemdOptions } from '../harness/systemd.ts';

let folder: string;
let program: string;
before(async () => {
  folder = fs.mkdtempSync(path.join(tmpdir(), 'kata-ts-systemd-'));
  program = path.join(folder, 'scopes');
  await compileGuestProgram('../systemd/scopes', program);
});
after(() => fs.rmSync(folder, { recursive: true, force: true }));

const isV1 = parseHierarchies(fs.readFileSync('/proc/self/mountinfo', 'utf8')).placed[0]?.version === 1;
const machines: SystemdOptions[] = [
  ...(isV1 ? [{ cgroups: 'hybrid', bus: true } as const] : []),
  { cgroups: 'unified', bus: true },
  { cgroups: 'unified', bus: false },
];

for (const machine of machines)
  it(`systemd with ${machine.cgroups} cgroups ${machine.bus ? 'starts and ends scopes' : 'that has no bus is done without'}`, {
    timeout: 120_000,
  }, async (t) => {
    const place = fs.mkdtempSync(path.join(folder, 'machine-'));
    const systemd = await Systemd.start(place, machine);
    try {
      const { status, stdout, stderr } = await systemd.run([program]);
      t.diagnostic(Buffer.from(stdout, 'latin1').toString());
      assert.equal(status, 0, `${stdout}${stderr}${fs.readFileSync(path.join(place, 'systemd.log'), 'utf8')}`);
      assert.match(stdout, machine.bus ? /\n6 passed, 0 failed\n$/ : /\n1 passed, 0 failed\n$/);
    } finally {
      await systemd.stop();
    }
    const left = fs.readdirSync('/sys/fs/cgroup').flatMap((name) => {
      const each = path.join('/sys/fs/cgroup', name);
      return fs.statSync(each).isDirectory()
        ? fs.readdirSync(each).filter((child) => child.startsWith(`kata-ts-systemd-${process.pid}`))
        : [];
    });
    assert.deepEqual(left, []);
  });
