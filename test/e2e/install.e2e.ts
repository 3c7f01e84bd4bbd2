// What `npm run install:system` leaves: programs that run from where they were put, with all they need beside them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, it } from 'node:test';

const folder = mkdtempSync(path.join(tmpdir(), 'kata-ts-install-'));
after(() => rmSync(folder, { recursive: true }));

it('installing twice gives programs that are found by both names, and what they start a guest from', () => {
  const [prefix, bin] = [path.join(folder, 'opt/kata'), path.join(folder, 'bin')];
  for (let time = 0; time < 2; time++) {
    const { status, stderr } = spawnSync(
      process.execPath,
      ['setup/install-system.mjs', '--prefix', prefix, '--bin', bin],
      {
        encoding: 'utf8',
      },
    );
    assert.equal(status, 0, stderr);
  }
  for (const name of ['kata-runtime', 'containerd-shim-kata-v2']) {
    assert.equal(readlinkSync(path.join(bin, name)), path.join(prefix, 'bin', name));
    const { stdout } = spawnSync(path.join(bin, name), ['--version'], { encoding: 'utf8' });
    assert.match(stdout, new RegExp(`^${name} \\d`));
  }
  const needed = ['share/kata-containers/vmlinux.container', 'share/kata-containers/kata-containers-initrd.img'];
  for (const file of [...needed, 'share/defaults/kata-containers/configuration.toml'])
    assert.ok(existsSync(path.join(prefix, file)), file);
});
