// Containers in a guest as our shim asks for them: an EROFS image on a SCSI disk under an overlay in memory.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { MessageType } from '../../src/protocols/codec.ts';
import type { Storage } from '../../src/protocols/gen/agent.ts';
import { CreateContainerRequest } from '../../src/protocols/gen/agent.ts';
import { Linux, LinuxMemory, LinuxResources, Process, Spec, User } from '../../src/protocols/gen/oci.ts';
import type { AgentVm } from './agent-vm.ts';

const SHARED = '/run/kata-containers/shared/containers';
const APPLETS = [
  ...['sh', 'cat', 'echo', 'true', 'false', 'sleep', 'ls', 'id', 'ps', 'kill', 'dd', 'head', 'mount', 'wc', 'env'],
  ...['stty', 'hostname', 'touch', 'rm', 'readlink', 'ip', 'tail', 'sync', 'mkdir', 'grep', 'test', 'uname', 'yes'],
];

/** Makes a small root of busybox, and what `add` puts into it, as an EROFS image in `folder`; its path. */
export function busyboxImage(folder: string, add: (root: string) => void = () => {}): string {
  const root = path.join(folder, 'root');
  for (const name of ['bin', 'proc', 'dev', 'sys', 'tmp', 'etc', 'run'])
    mkdirSync(path.join(root, name), { recursive: true });
  copyFileSync('/bin/busybox', path.join(root, 'bin/busybox'));
  for (const name of APPLETS) symlinkSync('busybox', path.join(root, 'bin', name));
  add(root);
  const image = path.join(folder, 'root.erofs');
  execFileSync('mkfs.erofs', ['--quiet', image, root], { stdio: 'ignore' });
  return image;
}

function storage(driver: string, source: string, fstype: string, options: string[], mountPoint: string): Storage {
  return { driver, driverOptions: [], source, fstype, options, mountPoint, fsGroup: undefined, shared: false };
}

/** Makes an EROFS image `name` in `folder` that holds these files; its path. */
export function imageOf(folder: string, name: string, files: Record<string, string>): string {
  const root = path.join(folder, name);
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), content);
  }
  execFileSync('mkfs.erofs', ['--quiet', `${root}.erofs`, root], { stdio: 'ignore' });
  return `${root}.erofs`;
}

/** The storages of a container whose image is the disk 0:`lun`. */
export function rootStorages(id: string, lun: number): Storage[] {
  const at = (name: string): string => `${SHARED}/${id}/${name}`;
  const create = 'io.katacontainers.volume.overlayfs.create_directory';
  const layers = [`lowerdir=${at('lower')}`, `upperdir=${at('rw/upper')}`, `workdir=${at('rw/work')}`];
  return [
    storage('scsi', `0:${lun}`, 'erofs', ['ro'], at('lower')),
    storage('ephemeral', 'tmpfs', 'tmpfs', ['size=67108864'], at('rw')),
    {
      ...storage('overlayfs', 'overlay', 'overlay', layers, at('rootfs')),
      driverOptions: [`${create}=${at('rw/upper')}`, `${create}=${at('rw/work')}`],
    },
  ];
}

const MOUNTS = [
  { destination: '/proc', source: 'proc', type: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/dev', source: 'tmpfs', type: 'tmpfs', options: ['nosuid', 'mode=755', 'size=65536k'] },
  {
    destination: '/dev/pts',
    source: 'devpts',
    type: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
  },
  { destination: '/sys', source: 'sysfs', type: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
];

/** A message with these fields, and the others as protobuf has them when they are not sent. */
function message<T>(type: MessageType<T>, fields: Partial<T>): T {
  return { ...type.decode(new Uint8Array()), ...fields };
}

/** A process of a container that runs `args`. */
export function processOf(args: string[], terminal = false): Process {
  return message(Process, { args, terminal, cwd: '/', env: ['PATH=/bin'], user: message(User, {}) });
}

export interface ContainerWishes {
  lun?: number;
  terminal?: boolean;
  memoryBytes?: number;
  sandboxPidns?: boolean;
  storages?: Storage[];
  mounts?: { destination: string; source: string; type: string; options: string[] }[];
}

/** The request for a container. */
export function containerRequest(id: string, args: string[], wishes: ContainerWishes = {}): CreateContainerRequest {
  const { lun = 1, terminal = false, memoryBytes, sandboxPidns = false, storages = [], mounts = [] } = wishes;
  const memory = memoryBytes === undefined ? undefined : message(LinuxMemory, { limit: BigInt(memoryBytes) });
  return message(CreateContainerRequest, {
    containerId: id,
    execId: id,
    sandboxPidns,
    storages: [...rootStorages(id, lun), ...storages],
    OCI: message(Spec, {
      version: '1.2.0',
      process: processOf(args, terminal),
      root: { path: `${SHARED}/${id}/rootfs`, readonly: false },
      mounts: [...MOUNTS, ...mounts],
      linux: message(Linux, {
        cgroupsPath: `/test/${id}`,
        namespaces: ['ipc', 'uts', 'mount', 'pid'].map((type) => ({ type, path: '' })),
        resources: message(LinuxResources, { memory }),
      }),
    }),
  });
}

/** Everything that a process writes to one of its outputs, until the end; `len` bytes at most in one answer. */
export async function readAll(
  vm: AgentVm,
  containerId: string,
  execId = containerId,
  output: 'readStdout' | 'readStderr' = 'readStdout',
  len = 65536,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const { data } = await vm.agent[output]({ containerId, execId, len });
    if (data.length === 0) return Buffer.concat(chunks).toString();
    chunks.push(Buffer.from(data));
  }
}

/** Runs a command in a container that runs already; what it wrote and its status. */
export async function exec(vm: AgentVm, containerId: string, execId: string, args: string[]) {
  const stringUser = undefined;
  const ports = { stdinPort: 0, stdoutPort: 0, stderrPort: 0 };
  await vm.agent.execProcess({ containerId, execId, stringUser, process: processOf(args), ...ports });
  const [stdout, stderr] = [
    await readAll(vm, containerId, execId),
    await readAll(vm, containerId, execId, 'readStderr'),
  ];
  const { status } = await vm.agent.waitProcess({ containerId, execId });
  return { stdout, stderr, status };
}
