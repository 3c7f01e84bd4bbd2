/** What the tests of containers share: a busybox image as a root, a spec like containerd's, a container run to its end. */
import { makeDirectories, makeTemporaryDirectory, removeDirectory, removeTree } from '../../../os/directory.ts';
import { read } from '../../../os/fd.ts';
import { chmod, symlink, writeFile } from '../../../os/file.ts';
import { bindMount } from '../../../os/mount.ts';
import type { ExitStatus } from '../../../os/process.ts';
import { listMounts, unmountAll } from '../../../os/unmount.ts';
import { utf8Decode } from '../../../os/utf8.ts';
import type { Linux, LinuxResources, Mount, Process, Spec } from '../../../protocols/gen/oci.ts';
import { Container } from '../container.ts';
import type { ContainerOptions } from '../container-options.ts';
import type { GuestProcess } from '../guest-process.ts';
import { PreparedInit } from '../prepared-init.ts';

const APPLETS =
  'sh cat echo ls id mount umount stat sleep true false touch readlink df kill env pwd hostname tty ps mkdir grep head dd chmod rm ln test sync stty';
/** The capabilities of docker's default profile. */
export const DEFAULT_CAPABILITIES = [
  ...['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FSETID', 'CAP_FOWNER', 'CAP_MKNOD', 'CAP_NET_RAW', 'CAP_SETGID'],
  ...[
    'CAP_SETUID',
    'CAP_SETFCAP',
    'CAP_SETPCAP',
    'CAP_NET_BIND_SERVICE',
    'CAP_SYS_CHROOT',
    'CAP_KILL',
    'CAP_AUDIT_WRITE',
  ],
];

/** The folder of one test, with an image's root inside; gone with `dispose`, whatever is mounted there. */
export interface TestImage {
  folder: string;
  root: string;
  /** Where the test's cgroups stand: this machine's own are left alone. */
  cgroupRoot: string;
  dispose(): void;
}

/** A cgroup of its own for the test of the folder `folder`: this machine's first unified mount, hybrid or not. */
function makeCgroupRoot(folder: string): string {
  const mount = listMounts().find(({ type }) => type === 'cgroup2');
  if (mount === undefined) throw new Error('these tests need a mounted cgroup v2');
  const path = `${mount.mountPoint}/${folder.slice(folder.lastIndexOf('/') + 1)}`;
  makeDirectories(path);
  return path;
}

/** A root with busybox, `/etc/passwd` and `/etc/group`. */
export function makeImage(): TestImage {
  const folder = makeTemporaryDirectory('/tmp/kata-ts-container-');
  const root = `${folder}/rootfs`;
  for (const name of ['bin', 'etc', 'proc', 'sys', 'dev', 'tmp', 'root', 'home/ann'])
    makeDirectories(`${root}/${name}`);
  chmod(`${root}/tmp`, 0o1777);
  writeFile(`${root}/bin/busybox`, '', 0o755);
  bindMount('/usr/bin/busybox', `${root}/bin/busybox`);
  for (const applet of APPLETS.split(' ')) symlink('busybox', `${root}/bin/${applet}`);
  writeFile(`${root}/etc/passwd`, 'root:x:0:0:root:/root:/bin/sh\nann:x:1000:1001:Ann:/home/ann:/bin/sh\n');
  writeFile(`${root}/etc/group`, 'root:x:0:\nann:x:1001:\nwheel:x:10:root,ann\naudio:x:29:ann\n');
  const cgroupRoot = makeCgroupRoot(folder);
  const dispose = (): void => {
    const failures = unmountAll(folder, { lazy: true });
    if (failures.length > 0) throw failures[0]!;
    removeTree(folder);
    removeDirectory(cgroupRoot);
  };
  return { folder, root, cgroupRoot, dispose };
}

export const mountOf = (destination: string, type: string, source: string, ...options: string[]): Mount => ({
  destination,
  type,
  source,
  options,
});

/** The mounts that containerd gives every container. */
export const DEFAULT_MOUNTS: readonly Mount[] = [
  mountOf('/proc', 'proc', 'proc', 'nosuid', 'noexec', 'nodev'),
  mountOf('/dev', 'tmpfs', 'tmpfs', 'nosuid', 'strictatime', 'mode=755', 'size=65536k'),
  mountOf('/dev/pts', 'devpts', 'devpts', 'nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'),
  mountOf('/dev/shm', 'tmpfs', 'shm', 'nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'),
  mountOf('/dev/mqueue', 'mqueue', 'mqueue', 'nosuid', 'noexec', 'nodev'),
  mountOf('/sys', 'sysfs', 'sysfs', 'nosuid', 'noexec', 'nodev', 'ro'),
];

export const NO_RESOURCES: LinuxResources = {
  devices: [],
  memory: undefined,
  cpu: undefined,
  pids: undefined,
  blockIO: undefined,
  hugepageLimits: [],
  network: undefined,
  unified: {},
};

export function processOf(args: string[], changes: Partial<Process> = {}): Process {
  const sets = DEFAULT_CAPABILITIES;
  return {
    terminal: false,
    consoleSize: undefined,
    user: { uid: 0, gid: 0, additionalGids: [], username: '', umask: undefined },
    args,
    env: ['PATH=/bin:/usr/bin'],
    cwd: '/',
    capabilities: { bounding: sets, effective: sets, inheritable: [], permitted: sets, ambient: [] },
    rlimits: [],
    noNewPrivileges: true,
    apparmorProfile: '',
    oomScoreAdj: 0n,
    selinuxLabel: '',
    ...changes,
  };
}

export interface SpecChanges {
  process?: Partial<Process>;
  linux?: Partial<Linux>;
  mounts?: readonly Mount[];
  readonly?: boolean;
  hostname?: string;
}

/** A spec like containerd's default one. */
export function specOf(image: TestImage, args: string[], changes: SpecChanges = {}): Spec {
  return {
    version: '1.1.0',
    process: processOf(args, changes.process),
    root: { path: image.root, readonly: changes.readonly ?? false },
    hostname: changes.hostname ?? '',
    mounts: [...(changes.mounts ?? DEFAULT_MOUNTS)],
    hooks: undefined,
    annotations: {},
    linux: {
      uidMappings: [],
      gidMappings: [],
      sysctl: {},
      resources: NO_RESOURCES,
      cgroupsPath: '',
      namespaces: ['pid', 'ipc', 'uts', 'mount', 'network'].map((type) => ({ type, path: '' })),
      devices: [],
      seccomp: undefined,
      rootfsPropagation: '',
      maskedPaths: [],
      readonlyPaths: [],
      mountLabel: '',
      intelRdt: undefined,
      ...changes.linux,
    },
    solaris: undefined,
    windows: undefined,
  };
}

let count = 0;

export function optionsOf(image: TestImage, spec: Spec): ContainerOptions {
  const options = { id: `t${++count}`, spec, cgroupRoot: image.cgroupRoot };
  return preparesAhead ? { ...options, prepared: preparedFor(options) } : options;
}

let preparesAhead = false;
/** How many containers began with a first process that was made ahead. */
export let begunAhead = 0;

/** From now on the first process of each container is made ahead, where it can be. */
export function prepareAhead(): void {
  preparesAhead = true;
}

const preparedFor =
  ({ spec, cgroupRoot }: Omit<ContainerOptions, 'id'>): NonNullable<ContainerOptions['prepared']> =>
  async (plan) => {
    const { linux } = spec;
    const common = {
      ...spec,
      hostname: '',
      mounts: [...DEFAULT_MOUNTS],
      linux: linux && { ...linux, sysctl: {}, devices: [] },
    };
    const prepared = await PreparedInit.make({ spec: common, ...(cgroupRoot && { cgroupRoot }) });
    if (prepared.suits(plan)) {
      begunAhead++;
      return prepared;
    }
    await prepared.discard();
    return undefined;
  };

/** All that comes out of a descriptor until its end. */
export async function readAll(fd: number): Promise<string> {
  const buffer = new Uint8Array(65536);
  let text = '';
  for (;;) {
    const length = await read(fd, buffer).catch((error: { errno?: string }) => {
      if (error.errno === 'EIO') return 0;
      throw error;
    });
    if (length === 0) return text;
    text += utf8Decode(buffer.subarray(0, length));
  }
}

export interface Outcome {
  stdout: string;
  stderr: string;
  status: ExitStatus;
}

/** Reads a process to its end. */
export async function outcomeOf(process: GuestProcess): Promise<Outcome> {
  const [stdout, stderr, status] = await Promise.all([
    readAll(process.stdout),
    process.stderr < 0 ? '' : readAll(process.stderr),
    process.exited,
  ]);
  return { stdout, stderr, status };
}

/** Creates, starts, reads and removes a container. */
export async function runContainer(
  image: TestImage,
  args: string[],
  changes: SpecChanges = {},
  options: Partial<ContainerOptions> = {},
): Promise<Outcome> {
  const container = await Container.create({ ...optionsOf(image, specOf(image, args, changes)), ...options });
  try {
    await container.start();
    return await outcomeOf(container.init);
  } finally {
    await removed(container);
  }
}

/** Removes a container; what could not be is the test's failure. */
export async function removed(container: Container): Promise<void> {
  const [failure] = await container.remove();
  if (failure !== undefined) throw failure;
}

/** Runs a line of shell; what it printed, and its errors if there were any. */
export async function shell(image: TestImage, line: string, changes: SpecChanges = {}): Promise<string> {
  const { stdout, stderr } = await runContainer(image, ['sh', '-c', line], changes);
  return stderr === '' ? stdout.trim() : `${stdout}stderr: ${stderr}`.trim();
}
