// What deploy/ puts on a node: programs, and a configuration that each containerd reads as it is meant.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { versions } from '../harness/containerd.ts';

const RUNTIMES: Record<number, string> = { 2: 'io.containerd.grpc.v1.cri', 3: 'io.containerd.cri.v1.runtime' };
let host: string;

beforeEach(() => {
  host = fs.mkdtempSync(path.join(tmpdir(), 'kata-ts-node-'));
  for (const program of ['qemu-system-x86_64', 'mkfs.erofs']) file(`usr/bin/${program}`, '#!/bin/sh\n', 0o755);
});
afterEach(() => fs.rmSync(host, { recursive: true }));

function file(name: string, content: string, mode = 0o644): string {
  const where = path.join(host, name);
  fs.mkdirSync(path.dirname(where), { recursive: true });
  fs.writeFileSync(where, content, { mode });
  return where;
}

function install(action: string) {
  const env = {
    ...process.env,
    HOST: host,
    FROM: path.resolve('dist'),
    SNIPPETS: path.resolve('deploy/containerd'),
    NO_RESTART: '1',
  };
  return spawnSync('sh', ['deploy/install.sh', action], { encoding: 'utf8', env });
}

/** The configuration as containerd understands it: its lines without their indentation. */
function dump(binaries: string, config: string): string[] {
  const { status, stdout, stderr } = spawnSync(
    path.join(binaries, 'containerd'),
    ['--config', config, 'config', 'dump'],
    { encoding: 'utf8' },
  );
  assert.equal(status, 0, stderr);
  return stdout.split('\n').map((line) => line.trim().replaceAll("'", '"'));
}

/** The keys of one table. */
function table(lines: string[], name: string): string[] {
  const start = lines.indexOf(`[${name}]`);
  assert.ok(start >= 0, `the table ${name} is expected`);
  return lines.slice(
    start + 1,
    lines.findIndex((line, at) => at > start && line.startsWith('[')),
  );
}

for (const [version, binaries] of Object.entries(versions)) {
  describe(`a node with containerd ${version}`, () => {
    const format = version.startsWith('1.') ? 2 : 3;
    const runtimes = `plugins."${RUNTIMES[format]}".containerd.runtimes`;
    const configs = {
      'the format alone': `version = ${format}\n`,
      'another runtime': `version = ${format}\n[${runtimes}.runc]\n  runtime_type = "io.containerd.runc.v2"\n[${runtimes}.runc.options]\n  SystemdCgroup = true\n`,
      'every default': spawnSync(path.join(binaries, 'containerd'), ['config', 'default'], { encoding: 'utf8' }).stdout,
    };
    for (const [what, before] of Object.entries(configs)) {
      it(`gets the handler kata beside runc, once, where its configuration has ${what}`, () => {
        const config = file('etc/containerd/config.toml', before);
        const plain = dump(binaries, config);
        for (let times = 0; times < 2; times++) {
          const { status, stderr } = install('install');
          assert.equal(status, 0, stderr);
          const lines = dump(binaries, config);
          const kata = table(lines, `${runtimes}.kata`);
          for (const line of [
            'runtime_type = "io.containerd.kata.v2"',
            'privileged_without_host_devices = true',
            'pod_annotations = ["io.katacontainers.*"]',
          ])
            assert.ok(kata.includes(line), `${line} is expected in ${kata.join('\n')}`);
          assert.ok(table(lines, `${runtimes}.runc`).includes('runtime_type = "io.containerd.runc.v2"'));
          // Of a runtime that is named, 1.x fills in nothing that is a default of runc alone.
          if (what !== 'the format alone') for (const line of plain) assert.ok(lines.includes(line), `${line} is gone`);
        }
        for (const name of ['kata-runtime', 'containerd-shim-kata-v2'])
          assert.equal(fs.readlinkSync(path.join(host, 'usr/local/bin', name)), `/opt/kata/bin/${name}`);
        assert.ok(fs.existsSync(path.join(host, 'opt/kata/share/kata-containers/vmlinux.container')));
        assert.equal(install('remove').status, 0);
        assert.equal(fs.readFileSync(config, 'utf8'), before);
        assert.ok(!fs.existsSync(path.join(host, 'opt/kata')));
      });
    }
  });
}

it('containerd 2.x takes its drop-in as an imported file too', () => {
  const config = file('config.toml', `version = 3\nimports = ["${path.resolve('deploy/containerd/2.x.toml')}"]\n`);
  const lines = dump(versions['2.1']!, config);
  assert.ok(
    table(lines, `plugins."${RUNTIMES[3]}".containerd.runtimes.kata`).includes(
      'runtime_type = "io.containerd.kata.v2"',
    ),
  );
  table(lines, `plugins."${RUNTIMES[3]}".containerd.runtimes.runc`);
});

it('a node that lacks QEMU is told what to install', () => {
  fs.rmSync(path.join(host, 'usr/bin/qemu-system-x86_64'));
  const { status, stderr } = install('install');
  assert.equal(status, 1);
  assert.match(stderr, /apt-get install qemu-system-x86\n/);
  assert.ok(!fs.existsSync(path.join(host, 'opt')));
});
