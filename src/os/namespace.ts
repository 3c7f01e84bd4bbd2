import { syscall } from 'sys';
import { KataError } from '../errors/kata-error.ts';
import { NR } from '../syscall/numbers.ts';
import { check } from './errno.ts';
import { close, O, open } from './fd.ts';
import { fstat, stat } from './stat.ts';

/** Namespace flags of clone(2), unshare(2) and setns(2). */
export const CLONE = {
  NEWTIME: 0x80,
  NEWNS: 0x20000,
  NEWCGROUP: 0x2000000,
  NEWUTS: 0x4000000,
  NEWIPC: 0x8000000,
  NEWUSER: 0x10000000,
  NEWPID: 0x20000000,
  NEWNET: 0x40000000,
} as const;

/** A namespace's name in `/proc/<pid>/ns`. */
export type NamespaceKind = 'cgroup' | 'ipc' | 'mnt' | 'net' | 'pid' | 'time' | 'user' | 'uts';

/** The `CLONE` flag of each kind. */
export const NAMESPACE_FLAG: Readonly<Record<NamespaceKind, number>> = {
  cgroup: CLONE.NEWCGROUP,
  ipc: CLONE.NEWIPC,
  mnt: CLONE.NEWNS,
  net: CLONE.NEWNET,
  pid: CLONE.NEWPID,
  time: CLONE.NEWTIME,
  user: CLONE.NEWUSER,
  uts: CLONE.NEWUTS,
};

/** The kinds that a process enters and leaves with nothing else changing: neither its root nor its rights. */
export type VisitableKind = 'cgroup' | 'ipc' | 'net' | 'uts';

/** Moves this process into new namespaces (unshare(2)): a combination of `CLONE`. NEWPID concerns its children only. */
export function unshare(flags: number): void {
  check(syscall(NR.unshare, flags), `create namespaces (flags 0x${flags.toString(16)})`);
}

/** Moves this process into the namespace behind a descriptor (setns(2)). `kind`, when given, is what it must be. */
export function setns(fd: number, kind?: NamespaceKind): void {
  const flag = kind === undefined ? 0 : NAMESPACE_FLAG[kind];
  check(syscall(NR.setns, fd, flag), `enter the ${kind ?? ''} namespace of descriptor ${fd}`);
}

/** The file of a process's namespace; default: this process's. It keeps meaning that process, wherever it moves. */
export function namespacePath(kind: NamespaceKind, pid: number | 'self' = 'self'): string {
  return `/proc/${pid}/ns/${kind}`;
}

/** A descriptor of a namespace, which lives as long as it is open. */
export function openNamespace(path: string): number {
  return open(path, O.RDONLY);
}

/** Moves this process into the namespace whose file is `path` (`/proc/7/ns/net`, `/run/netns/x`). */
export function enterNamespace(path: string, kind: NamespaceKind): void {
  const fd = openNamespace(path);
  try {
    check(syscall(NR.setns, fd, NAMESPACE_FLAG[kind]), `enter the ${kind} namespace ${path}`);
  } finally {
    close(fd);
  }
}

/** What tells namespaces apart: two files mean one namespace when this is equal (namespaces(7)). */
export function namespaceIdentity(place: string | number): string {
  const { device, inode } = typeof place === 'string' ? stat(place) : fstat(place);
  return `${device}:${inode}`;
}

/**
 * What `action` gives when it runs inside a namespace (a path or a descriptor). It must not await: the event loop goes
 * on outside. A socket opened inside belongs there for good.
 */
export function inNamespace<T>(place: string | number, kind: VisitableKind, action: () => T): T {
  const home = openNamespace(namespacePath(kind));
  try {
    const fd = typeof place === 'string' ? openNamespace(place) : place;
    try {
      setns(fd, kind);
    } finally {
      if (typeof place === 'string') close(fd);
    }
    return comeBack(home, kind, action);
  } finally {
    close(home);
  }
}

/** A new namespace, by descriptor; this process stays where it is. */
export function newNamespace(kind: VisitableKind): number {
  const home = openNamespace(namespacePath(kind));
  try {
    unshare(NAMESPACE_FLAG[kind]);
    return comeBack(home, kind, () => openNamespace(namespacePath(kind)));
  } finally {
    close(home);
  }
}

function comeBack<T>(home: number, kind: VisitableKind, action: () => T): T {
  let result: T;
  try {
    result = action();
  } finally {
    setns(home, kind);
  }
  if (result instanceof Promise)
    throw new KataError(
      'internal',
      `an action inside a ${kind} namespace is expected to be synchronous, found a promise`,
    );
  return result;
}
