// A machine of systemd's own: process 1 of namespaces, in cgroups of its own, with a message bus of its own or none.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { parseHierarchies } from '../../src/os/cgroup/hierarchy.ts';
import { type Result, run } from './containerd.ts';

const UNITS: Record<string, string> = {
  'test.target': '[Unit]\nDefaultDependencies=no\nWants=dbus.socket\n',
  'dbus.socket': '[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=/run/dbus/system_bus_socket\n',
  'dbus.service': `[Unit]
DefaultDependencies=no
Requires=dbus.socket
[Service]
Type=notify
ExecStart=/usr/bin/dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation --syslog-only
`,
};

export interface SystemdOptions {
  /** Which hierarchies it finds: the host's of v1 beside one of v2, or the one of v2 alone. */
  cgroups: 'hybrid' | 'unified';
  bus: boolean;
}

export class Systemd {
  readonly #child: ChildProcess;
  readonly #cgroups: string[];
  readonly #pid: number;

  private constructor(child: ChildProcess, cgroups: string[], pid: number) {
    this.#child = child;
    this.#cgroups = cgroups;
    this.#pid = pid;
  }

  static async start(folder: string, { cgroups, bus }: SystemdOptions): Promise<Systemd> {
    const units = path.join(folder, 'units');
    fs.mkdirSync(units);
    for (const [name, text] of Object.entries(UNITS))
      if (bus || !name.startsWith('dbus'))
        fs.writeFileSync(path.join(units, name), bus ? text : text.replace(/^Wants.*$/m, ''));
    const name = `kata-ts-systemd-${process.pid}`;
    const mounts = fs.readFileSync('/proc/self/mountinfo', 'utf8');
    const { placed, tracker } = parseHierarchies(mounts);
    const all = [...placed, ...(tracker === null ? [] : [tracker])];
    const own = all.map(({ mountPoint }) => `${mountPoint}/${name}`);
    // A fresh tmpfs below: what systemd does to the file system there must not reach the host's.
    const remount =
      cgroups === 'unified'
        ? ['mount -t cgroup2 cgroup2 /sys/fs/cgroup']
        : all.map(({ version, controllers }) => {
            const at = `/sys/fs/cgroup/${version === 2 ? 'unified' : controllers.join().replace('name=', '')}`;
            const options = controllers.includes('name=systemd') ? 'none,name=systemd' : controllers.join();
            return `mkdir ${at} && mount -t ${version === 2 ? 'cgroup2 cgroup2' : `cgroup -o ${options} cgroup`} ${at}`;
          });
    const inside = [
      'mount --make-rprivate /',
      'mount -t tmpfs -o mode=755 cgroup-test /sys/fs/cgroup',
      ...remount,
      'mount -t tmpfs -o mode=755 run /run && mkdir -p /run/lock /run/dbus',
      `mount --bind ${units} /etc/systemd/system`,
      'export container=kata-ts-test',
      'exec /lib/systemd/systemd --system --unit=test.target --log-target=console --show-status=0',
    ].join('\n');
    const outside = [
      ...own.flatMap((each) => [
        `mkdir ${each}`,
        `for file in cpuset.cpus cpuset.mems; do [ ! -e ${each}/$file ] || [ -n "$(cat ${each}/$file)" ] || cat ${path.dirname(each)}/$file > ${each}/$file; done`,
        `echo $$ > ${each}/cgroup.procs`,
      ]),
      'exec unshare --mount --pid --fork --kill-child=KILL --mount-proc --cgroup sh -ec "$1"',
    ].join('\n');
    const log = fs.openSync(path.join(folder, 'systemd.log'), 'a');
    const child = spawn('sh', ['-ec', outside, 'sh', inside], { stdio: ['ignore', log, log] });
    fs.closeSync(log);
    for (let waitedMs = 0; ; waitedMs += 50) {
      const pid = Number(fs.readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ')[0]);
      const socket = `/proc/${pid}/root/run/${bus ? 'dbus/system_bus_socket' : 'systemd/private'}`;
      if (pid > 0 && fs.existsSync(socket)) return new Systemd(child, own, pid);
      assert.ok(
        waitedMs < 20_000 && child.exitCode === null,
        fs.readFileSync(path.join(folder, 'systemd.log'), 'utf8'),
      );
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Runs a program there. */
  run(argv: string[]): Promise<Result> {
    return run(['nsenter', `--target=${this.#pid}`, '--mount', '--pid', '--cgroup', ...argv]);
  }

  async stop(): Promise<void> {
    const gone = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await gone;
    for (const folder of this.#cgroups)
      await run([
        'sh',
        '-c',
        `for try in 1 2 3 4 5; do find ${folder} -depth -type d -exec rmdir {} + && exit; sleep 0.2; done`,
      ]);
  }
}
