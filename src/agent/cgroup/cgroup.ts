import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { cgroupsBelow, handDownControllers, processesIn } from '../../os/cgroup/cgroup-files.ts';
import { CGROUP_ROOT } from '../../os/cgroup/hierarchy.ts';
import { listDirectoryIfExists, makeDirectory, removeDirectory } from '../../os/directory.ts';
import { ERRNO, isErrno, systemError } from '../../os/errno.ts';
import { AT_FDCWD, close, O, open } from '../../os/fd.ts';
import { exists, writeControl } from '../../os/file.ts';
import { readable } from '../../os/loop.ts';
import { withTimeout } from '../../os/timer.ts';
import { utf8Decode } from '../../os/utf8.ts';
import type { CgroupStats } from '../../protocols/gen/agent.ts';
import type { LinuxResources } from '../../protocols/gen/oci.ts';
import { NR } from '../../syscall/numbers.ts';
import { parseFlatKeyed } from './parse-control-file.ts';
import { type ControlWrite, cgroupWrites } from './resources.ts';
import { cgroupStats } from './stats.ts';

/** Controllers whose limits or numbers are served; those that the guest's kernel lacks are not there. */
const CONTROLLERS = ['cpu', 'cpuset', 'memory', 'pids', 'io', 'hugetlb'];
const FREEZE_TIMEOUT_MS = 10_000;

/** Roots whose controllers were handed down to the cgroups below. */
const prepared = new Set<string>();

/** Hands the controllers of the root cgroup down, once. The root is exempt from the rule of no processes inside. */
function prepareRoot(root: string): void {
  if (prepared.has(root)) return;
  handDownControllers(root, CONTROLLERS);
  prepared.add(root);
}

/** A cgroup v2 of a container (kernel documentation, admin-guide/cgroup-v2). */
export class Cgroup {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** The cgroup `name` below the root, made if need be. */
  static create(name: string, root = CGROUP_ROOT): Cgroup {
    prepareRoot(root);
    const path = `${root}/${name}`;
    makeDirectory(path);
    return new Cgroup(path);
  }

  /** A descriptor for `CLONE_INTO_CGROUP`; the caller closes it. */
  open(): number {
    return open(this.path, O.PATH | O.DIRECTORY);
  }

  /** Sets limits. What isn't in `resources` stays as it is. `not-found` for a controller that the kernel lacks. */
  apply(resources: LinuxResources): void {
    for (const write of cgroupWrites(resources)) this.#write(write);
  }

  #write({ file, value, preferred, optional }: ControlWrite): void {
    if (preferred !== undefined && exists(`${this.path}/${preferred.file}`)) {
      writeControl(`${this.path}/${preferred.file}`, preferred.value);
      return;
    }
    try {
      writeControl(`${this.path}/${file}`, value);
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error;
      if (optional) return;
      throw new KataError('not-found', `the limit ${file} = ${value} needs a file that this guest's cgroups lack`, {
        errno: 'ENOENT',
        hint: `leave the limit out, or use a guest kernel with the ${file.split('.')[0]} controller`,
        cause: error,
      });
    }
  }

  /** Stops every process inside, and returns when all stand still. */
  async freeze(): Promise<void> {
    writeControl(`${this.path}/cgroup.freeze`, '1');
    await this.#waitFor('frozen', 1n, FREEZE_TIMEOUT_MS);
  }

  /** Lets the processes go on. */
  async thaw(): Promise<void> {
    writeControl(`${this.path}/cgroup.freeze`, '0');
    await this.#waitFor('frozen', 0n, FREEZE_TIMEOUT_MS);
  }

  /** SIGKILL to every process inside, frozen ones and those being forked included. None there is fine. */
  killAll(): void {
    try {
      writeControl(`${this.path}/cgroup.kill`, '1');
    } catch (error) {
      if (!isErrno(error, 'ENOENT', 'ENODEV')) throw error;
    }
  }

  /** The processes inside, those of nested cgroups too. */
  pids(): number[] {
    return cgroupsBelow(this.path)
      .flatMap(processesIn)
      .filter((pid) => pid !== 0);
  }

  stats(): CgroupStats {
    return cgroupStats((file) => this.#read(file), hugepageSizes());
  }

  /** How many processes the kernel has ended for want of memory (`oom_kill` of `memory.events`). */
  oomKills(): bigint {
    return parseFlatKeyed(this.#read('memory.events') ?? '').get('oom_kill') ?? 0n;
  }

  /** Returns when no process is left inside; `deadline-exceeded` when some stay. */
  waitEmpty(timeoutMs: number): Promise<void> {
    return this.#waitFor('populated', 0n, timeoutMs);
  }

  /** Removes the cgroup and those nested inside; not there is fine. A process inside is `EBUSY`. */
  remove(): void {
    for (const path of cgroupsBelow(this.path).reverse()) removeDirectory(path);
  }

  #read(file: string): string | null {
    const fd = syscall(NR.openat, AT_FDCWD, `${this.path}/${file}`, O.RDONLY | O.CLOEXEC, 0);
    if (fd === -ERRNO.ENOENT) return null;
    if (fd < 0) throw systemError(fd, `open ${this.path}/${file}`);
    try {
      return readSmall(fd);
    } finally {
      close(fd);
    }
  }

  /** Waits for a value in `cgroup.events`, which the kernel tells a poller of. A cgroup that is gone has every value. */
  async #waitFor(key: string, value: bigint, timeoutMs: number): Promise<void> {
    const path = `${this.path}/cgroup.events`;
    const fd = syscall(NR.openat, AT_FDCWD, path, O.RDONLY | O.CLOEXEC, 0);
    if (fd === -ERRNO.ENOENT) return;
    if (fd < 0) throw systemError(fd, `open ${path}`);
    const wait = async (): Promise<void> => {
      // Watched before the first look, so that no change between look and wait is missed.
      for (let change = readable(fd); ; change = readable(fd)) {
        change.catch(() => {});
        if (parseFlatKeyed(readSmall(fd)).get(key) === value) return;
        await change;
      }
    };
    try {
      const message = `${this.path} is expected to become ${key} ${value} within ${timeoutMs} ms`;
      await withTimeout(wait(), timeoutMs, message);
    } finally {
      close(fd);
    }
  }
}

/** A control file from its start; they are all smaller than this. */
function readSmall(fd: number): string {
  const buffer = new Uint8Array(8192);
  const length = syscall(NR.pread64, fd, buffer, buffer.length, 0);
  // ENODEV: the cgroup was removed meanwhile.
  if (length === -ERRNO.ENODEV) return '';
  if (length < 0) throw systemError(length, 'read a control file');
  return utf8Decode(buffer.subarray(0, length));
}

/** `2MB`, `1GB`: as the kernel names the files of its hugetlb controller. */
function hugepageSizes(): string[] {
  return listDirectoryIfExists('/sys/kernel/mm/hugepages').flatMap((name) => {
    const kib = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1] ?? 0);
    if (kib === 0) return [];
    return [kib >= 1 << 20 ? `${kib >> 20}GB` : kib >= 1024 ? `${kib >> 10}MB` : `${kib}KB`];
  });
}
