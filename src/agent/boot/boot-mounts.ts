import { syscall } from 'sys';
import { makeDirectories, makeDirectory } from '../../os/directory.ts';
import { ERRNO, systemError } from '../../os/errno.ts';
import { AT_FDCWD } from '../../os/fd.ts';
import { MS, mount, moveRoot } from '../../os/mount.ts';
import { statfs } from '../../os/stat.ts';
import { NR } from '../../syscall/numbers.ts';

interface BootMount {
  source: string;
  target: string;
  type: string;
  flags: number;
  data: string;
}

const QUIET = MS.NOSUID | MS.NOEXEC | MS.NODEV;

/** What init mounts, in this order. A container sees none of these, but for what its own spec asks for. */
const BOOT_MOUNTS: readonly BootMount[] = [
  { source: 'proc', target: '/proc', type: 'proc', flags: QUIET, data: '' },
  { source: 'sysfs', target: '/sys', type: 'sysfs', flags: QUIET, data: '' },
  { source: 'dev', target: '/dev', type: 'devtmpfs', flags: MS.NOSUID, data: 'mode=0755' },
  { source: 'tmpfs', target: '/run', type: 'tmpfs', flags: MS.NOSUID | MS.NODEV, data: 'mode=0755' },
  { source: 'tmpfs', target: '/dev/shm', type: 'tmpfs', flags: MS.NOSUID | MS.NODEV, data: 'mode=1777' },
  {
    source: 'devpts',
    target: '/dev/pts',
    type: 'devpts',
    flags: MS.NOSUID | MS.NOEXEC,
    data: 'mode=0620,gid=5,ptmxmode=0666',
  },
  { source: 'cgroup2', target: '/sys/fs/cgroup', type: 'cgroup2', flags: QUIET, data: 'nsdelegate' },
];

/** Symlinks that programs expect of `/dev`. */
const DEVICE_LINKS: readonly [path: string, target: string][] = [
  ['/dev/fd', '/proc/self/fd'],
  ['/dev/stdin', '/proc/self/fd/0'],
  ['/dev/stdout', '/proc/self/fd/1'],
  ['/dev/stderr', '/proc/self/fd/2'],
];

/** Where guest and host agree to find things; upstream's paths say `/var/run` in places. */
const OTHER_LINKS: readonly [path: string, target: string][] = [['/var/run', '/run']];

const ROOT_COPY = '/.root';

/** What the kernel makes an initramfs of (statfs(2)). */
const TMPFS_MAGIC = 0x01021994;
const RAMFS_MAGIC = 0x858458f6;

/**
 * Makes the initramfs's content a mount that pivot_root(2) can leave: the initramfs itself can only be covered, and a
 * process that is root in a container could uncover it. A root on a disk is left as it is.
 */
export function makeRootPivotable(): void {
  const { type } = statfs('/');
  if (type !== TMPFS_MAGIC && type !== RAMFS_MAGIC) return;
  makeDirectory(ROOT_COPY, 0o700);
  mount('/', ROOT_COPY, '', MS.BIND);
  moveRoot(ROOT_COPY);
}

/** Mounts what a Linux system has mounted. */
export function mountSystem(): void {
  for (const { source, target, type, flags, data } of BOOT_MOUNTS) {
    makeDirectories(target);
    mount(source, target, type, flags, data);
  }
}

/** The links of `/dev` and the like; one that is there stays as it is. */
export function linkDevices(): void {
  makeDirectory('/var');
  for (const [path, target] of [...DEVICE_LINKS, ...OTHER_LINKS]) {
    const result = syscall(NR.symlinkat, target, AT_FDCWD, path);
    if (result < 0 && result !== -ERRNO.EEXIST) throw systemError(result, `link ${path} to ${target}`);
  }
}
