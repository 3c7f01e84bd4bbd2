// kata-runtime check and env: what a host has, also one that has little.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { KATA_RUNTIME, kata } from '../harness/kata-runtime.ts';
import { testConfig } from '../harness/test-config.ts';

const LIMIT = { timeout: 60_000 };
const folder = mkdtempSync(path.join(tmpdir(), 'kata-ts-check-'));
after(() => rmSync(folder, { recursive: true }));

interface Need {
  name: string;
  state: string;
  found: string;
  instead?: string;
  get?: string;
}
interface Report {
  capable: boolean;
  passed: boolean;
  needs: Need[];
}

/** Runs a shell script in a mount namespace of its own, in which it may change what the host looks like. */
function onHost(changes: string, command: string): { status: number | null; stdout: string; stderr: string } {
  const script = `set -e; ${changes}\nexec ${command}`;
  return spawnSync('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script], { encoding: 'utf8' });
}

/** A /dev with nothing in it but what every program needs, and no QEMU, no mkfs.erofs, no skopeo. */
const BARE = [
  'mkdir /tmp/dev.$$; mount -t tmpfs none /tmp/dev.$$',
  'for node in null zero full random urandom tty; do touch /tmp/dev.$$/$node; mount --bind /dev/$node /tmp/dev.$$/$node; done',
  'mount --move /tmp/dev.$$ /dev; rmdir /tmp/dev.$$',
  `touch ${folder}/none; chmod 0 ${folder}/none`,
  `for program in qemu-system-x86_64 mkfs.erofs skopeo; do mount --bind ${folder}/none /usr/bin/$program; done`,
].join('\n');

describe('check', () => {
  it('finds what this machine has, and containers run here', LIMIT, async () => {
    const { status, stdout, stderr } = await kata(['check']);
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, /^NEED +STATE +FOUND\n/);
    assert.match(stdout, /^QEMU +ok +7\.2\.\d+, \/usr\/bin\/qemu-system-x86_64$/m);
    assert.match(stdout, /^mkfs\.erofs +ok +\/\S+$/m);
    assert.match(stdout, /^guest kernel +ok +\/.*vmlinux\.container, \d+ MiB$/m);
    assert.match(stdout, /\ncontainers can run on this host(; .*)?\n$/);
  });

  it('is called kata-check too, and takes upstream’s flags', LIMIT, async () => {
    for (const flags of [['-n'], ['--no-network-checks', '--verbose'], ['--include-all-releases']])
      assert.equal((await kata(['kata-check', ...flags])).status, 0, flags.join(' '));
    for (const flag of ['--check-version-only', '--only-list-releases']) {
      const { status, stdout } = await kata(['check', flag]);
      assert.equal(status, 0);
      assert.match(stdout, /^kata-runtime \d+\.\d+\.\d+: releases are not looked up, .*\n$/);
    }
  });

  it('tells programs the same', LIMIT, async () => {
    const { stdout } = await kata(['check', '--json']);
    const report = JSON.parse(stdout) as Report;
    assert.equal(report.capable, true);
    assert.equal(report.needs.find(({ name }) => name === 'QEMU')?.state, 'there');
  });

  it('says of a bare host what is missing, what stands in, and how to get it', LIMIT, () => {
    const { status, stdout, stderr } = onHost(BARE, `${KATA_RUNTIME} check`);
    assert.equal(status, 1, stderr);
    for (const line of [
      /^KVM +instead +there is no KVM: \/dev\/kvm: ENOENT\n +instead: QEMU translates the guest's code .*\n +to get it: /m,
      /^QEMU +MISSING +not found\n +to get it: apt install qemu-system-x86/m,
      /^mkfs\.erofs +MISSING +not found.*\n +to get it: apt install erofs-utils/m,
      /^skopeo, umoci +instead +no skopeo\n +instead: .*\n +to get it: apt install skopeo/m,
      /^\/dev\/vhost-net +instead +ENOENT\n +instead: QEMU moves packets itself.*\n +to get it: .*vhost_net/m,
      /^\/dev\/vhost-vsock +instead +ENOENT\n +instead: the agent is reached over virtio-serial.*\n +to get it: .*vhost_vsock/m,
      /^\/dev\/net\/tun +instead +ENOENT\n +instead: no guest joins a network/m,
      /^\/dev\/loop-control +- +ENOENT/m,
      /\ncontainers cannot run on this host: QEMU, mkfs\.erofs missing\n$/,
    ])
      assert.match(stdout, line);
    const { stdout: json } = onHost(BARE, `${KATA_RUNTIME} check --json`);
    const report = JSON.parse(json) as Report;
    assert.deepEqual([report.capable, report.passed], [false, false]);
  });

  it('takes no second choice with --strict, which says so', LIMIT, () => {
    const noVsock = 'test ! -e /dev/vhost-vsock || mount --bind /etc/hostname /dev/vhost-vsock';
    const strict = onHost(noVsock, `${KATA_RUNTIME} check --strict`);
    assert.equal(strict.status, 1);
    assert.match(strict.stdout, /--strict takes no second choice: .*\/dev\/vhost-vsock/);
  });

  it('finds a QEMU that is too old, by what it says of itself', LIMIT, async () => {
    const old = path.join(folder, 'qemu');
    writeFileSync(old, '#!/bin/sh\necho "QEMU emulator version 6.1.0"\n');
    chmodSync(old, 0o755);
    const { status, stdout } = await kata(['--config', testConfig(folder, { path: `"${old}"` }), 'check']);
    assert.equal(status, 1);
    assert.match(stdout, /^QEMU +MISSING +6\.1\.0, .*; 7\.2 is the oldest that serves$/m);
  });

  it('tells a configuration that cannot be used by its line', LIMIT, async () => {
    const config = testConfig(folder, { default_memory: '"much"' });
    const { status, stdout } = await kata(['--config', config, 'check']);
    assert.equal(status, 1);
    assert.match(
      stdout,
      /^configuration +MISSING +\S+:\d+: default_memory in .*: expected a whole number .*, found "much"/m,
    );
  });

  it('looks for huge pages when the configuration asks for them', LIMIT, async () => {
    const config = testConfig(folder, { default_memory: '512\nenable_hugepages = true' });
    const { stdout } = await kata(['--config', config, 'check']);
    assert.doesNotMatch(stdout, /enable_hugepages is not set/);
    assert.match(stdout, /^huge pages +(ok|instead) /m);
  });

  it('finds the module that can be loaded, by the kernel’s own list', LIMIT, () => {
    const release = spawnSync('uname', ['-r'], { encoding: 'utf8' }).stdout.trim();
    const modules = path.join(folder, 'modules', release);
    cpSync('/etc/hostname', path.join(modules, 'modules.builtin'));
    writeFileSync(path.join(modules, 'modules.dep'), 'kernel/drivers/vhost/vhost_net.ko.xz: kernel/x.ko\n');
    const changes = `${BARE}\nmkdir -p /lib/modules; mount --bind ${folder}/modules /lib/modules`;
    const { stdout } = onHost(changes, `${KATA_RUNTIME} check`);
    assert.match(stdout, /^\/dev\/vhost-net .*\n.*\n +to get it: modprobe vhost_net$/m);
    assert.match(stdout, /^\/dev\/vhost-vsock .*\n.*\n +to get it: a kernel that has the module vhost_vsock$/m);
  });

  it('is for everybody, and says that containers are root’s', LIMIT, () => {
    const { status, stdout } = spawnSync('setpriv', ['--reuid=65534', '--clear-groups', KATA_RUNTIME, 'check'], {
      encoding: 'utf8',
    });
    // The checkout itself may be root's alone: then the kernel does not even start it.
    if (status !== null && stdout !== '') assert.match(stdout, /^root +MISSING +another user$/m);
  });
});

describe('env', () => {
  it('shows upstream’s schema, as JSON and as TOML', LIMIT, async () => {
    const json = await kata(['env', '--json']);
    assert.equal(json.status, 0, json.stderr);
    const info = JSON.parse(json.stdout) as Record<string, Record<string, unknown>>;
    const sections = ['Kernel', 'Meta', 'Image', 'Initrd', 'Hypervisor', 'Runtime', 'Host', 'Agent'];
    assert.deepEqual(Object.keys(info), sections);
    assert.deepEqual(info.Meta, { Version: '1.0.27' });
    const host = info.Host as { CPU: { CPUs: number }; Memory: { Total: number }; Kernel: string };
    assert.equal(host.Kernel, readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim());
    assert.ok(host.CPU.CPUs > 0 && host.Memory.Total > 100_000);
    assert.match(String(info.Hypervisor!.Version), /^QEMU emulator version 7\.2/);
    assert.deepEqual(Object.keys(info.Hypervisor!.SecurityInfo as object), [
      ...['Rootless', 'DisableSeccomp', 'GuestHookPath', 'EnableAnnotations', 'ConfidentialGuest'],
    ]);
    const toml = await kata(['kata-env']);
    assert.match(toml.stdout, /^\[Kernel\]\n {2}Path = "\/.*vmlinux\.container"\n {2}Parameters = ""\n\n\[Meta\]\n/);
    assert.match(toml.stdout, /^ {4}\[Runtime\.Version\.Version\]\n {6}Semver = "/m);
    assert.match(toml.stdout, /^ {2}VMContainerCapable = true$/m);
  });

  it('shows the settings of the file that is asked for', LIMIT, async () => {
    const config = testConfig(folder, { kernel_params: '"a=1 b"', enable_debug: 'true' });
    const info = JSON.parse((await kata(['--config', config, 'env', '--json'])).stdout);
    assert.equal(info.Kernel.Parameters, 'a=1 b');
    assert.equal(info.Hypervisor.Debug, true);
    assert.equal(info.Runtime.Config.Path, config);
  });
});

it('tells where the configuration is looked for', LIMIT, async () => {
  const { status, stdout } = await kata(['--show-default-config-paths']);
  const shipped = path.resolve('dist/share/defaults/kata-containers/configuration.toml');
  assert.deepEqual([status, stdout], [0, `/etc/kata-containers/configuration.toml\n${shipped}\n`]);
});

it('version needs no configuration', LIMIT, async () => {
  const { status, stdout } = await kata(['--config', '/nowhere', 'version']);
  assert.deepEqual([status, /^kata-runtime \d+\.\d+\.\d+\n$/.test(stdout)], [0, true]);
});
