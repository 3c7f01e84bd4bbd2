import { KataError } from '../../errors/kata-error.ts';
import { close } from '../../os/fd.ts';
import { CLONE, NAMESPACE_FLAG, type NamespaceKind, openNamespace } from '../../os/namespace.ts';
import type { LinuxNamespace } from '../../protocols/gen/oci.ts';
import type { SharedNamespaces } from './container-options.ts';

/** The runtime-spec's words for the namespaces that a container of this guest can have. */
const KINDS: Readonly<Record<string, NamespaceKind>> = {
  pid: 'pid',
  mount: 'mnt',
  ipc: 'ipc',
  uts: 'uts',
  cgroup: 'cgroup',
  network: 'net',
};

/** Which namespaces a container makes and which it joins. */
export interface NamespacePlan {
  /** Flags for clone(2). The cgroup namespace is not among them: it is made from inside the container's cgroup. */
  cloneFlags: number;
  /** The pid namespace to be born in; none means a new one. */
  pidFd: number | undefined;
  /** Namespaces to enter in the child. */
  enter: { fd: number; kind: NamespaceKind }[];
  newNetwork: boolean;
  /** Of what is above, the descriptors that were opened for this plan. */
  opened: number[];
}

/**
 * Plans the namespaces of a container. It always has its own mount and cgroup namespaces, and its own pid namespace
 * unless the pod shares one. Ipc and uts are the sandbox's where it has them, network the guest's unless the spec says
 * otherwise.
 *
 * Unlike Kata: there is always a cgroup namespace, so that `/sys/fs/cgroup` and `/proc/self/cgroup` agree. The host
 * takes it out of the spec, for the sake of guests with cgroup v1.
 */
export function planNamespaces(listed: readonly LinuxNamespace[], shared: SharedNamespaces): NamespacePlan {
  const paths = new Map<NamespaceKind, string>();
  for (const { type, path } of listed) {
    const kind = KINDS[type];
    if (kind === undefined)
      throw new KataError(
        'unimplemented',
        `a namespace of ${Object.keys(KINDS).join(', ')} is expected, found ${type}`,
        {
          hint: 'the virtual machine is the boundary; user and time namespaces are not made inside',
        },
      );
    paths.set(kind, path);
  }
  const plan: NamespacePlan = {
    cloneFlags: CLONE.NEWNS,
    pidFd: undefined,
    enter: [],
    newNetwork: false,
    opened: [],
  };
  try {
    const open = (path: string): number => {
      const fd = openNamespace(path);
      plan.opened.push(fd);
      return fd;
    };
    const pidPath = paths.get('pid');
    plan.pidFd = shared.pidFd ?? (pidPath ? open(pidPath) : undefined);
    if (plan.pidFd === undefined) plan.cloneFlags |= CLONE.NEWPID;
    const sharedFds = { ipc: shared.ipcFd, uts: shared.utsFd, net: shared.netFd };
    for (const kind of ['ipc', 'uts', 'net'] as const) {
      const path = paths.get(kind);
      const fd = path ? open(path) : sharedFds[kind];
      if (fd !== undefined) plan.enter.push({ fd, kind });
      else if (path === '') plan.cloneFlags |= NAMESPACE_FLAG[kind];
    }
    plan.newNetwork = (plan.cloneFlags & CLONE.NEWNET) !== 0;
    return plan;
  } catch (error) {
    closePlan(plan);
    throw error;
  }
}

export function closePlan(plan: NamespacePlan): void {
  for (const fd of plan.opened.splice(0)) close(fd);
}

/** The namespaces of a planned container that a further process enters by setns(2); its pid namespace is not among them. */
export function namespacesOf({ cloneFlags, enter }: NamespacePlan): number {
  const joined = enter.reduce((flags, { kind }) => flags | NAMESPACE_FLAG[kind], 0);
  return (cloneFlags & ~CLONE.NEWPID) | CLONE.NEWCGROUP | joined;
}
