import { syscall } from 'sys';
import { check } from '../../os/errno.ts';
import { close, O } from '../../os/fd.ts';
import { MS, mount, mountSetattr, moveMount, openTree } from '../../os/mount.ts';
import { openInRoot, pathOfFd } from '../../os/resolve.ts';
import { fstat, isType, S } from '../../os/stat.ts';
import { NR } from '../../syscall/numbers.ts';
import { copyTree } from './copy-up.ts';
import { makeReadOnly } from './mask-paths.ts';
import type { PlannedMount } from './plan-mounts.ts';
import { step } from './step.ts';
import { directoryTarget, fileTarget, ordinaryDirectoryTarget } from './target.ts';

/** A mount as the error of a step names it. */
export const nameOf = ({ type, source, destination }: PlannedMount): string =>
  `mount ${type || 'a bind'} of ${source || 'nothing'} on ${destination}`;

/** Mounts that were made before, as descriptors: of a bind its source's tree, of a file system itself. They are closed once used. */
export type ReadyMounts = ReadonlyMap<PlannedMount, number>;

const NOTHING_READY: ReadyMounts = new Map();

/**
 * In the child: mounts everything inside the root, in the spec's order. What `ready` has for a mount is moved there instead of made.
 * The result makes read-only what has to stay writable until the container is set up.
 */
export function mountAll(
  rootFd: number,
  mounts: readonly PlannedMount[],
  ready: ReadyMounts = NOTHING_READY,
): () => void {
  const late: string[] = [];
  for (const planned of mounts)
    step(nameOf(planned), () => {
      const there = ready.get(planned);
      if (planned.kind === 'bind') bind(rootFd, planned, there);
      else if (there === undefined) mountFileSystem(rootFd, planned);
      else moveFileSystem(rootFd, planned, there);
      if (planned.lateReadOnly) late.push(planned.destination);
    });
  return () => {
    for (const path of late) step(`make ${path} read-only`, () => makeReadOnly(rootFd, path));
  };
}

function bind(rootFd: number, planned: PlannedMount, there: number | undefined): void {
  const tree = there ?? openTree(planned.source, { recursive: planned.recursive });
  try {
    changeAttributes(tree, planned);
    const isFolder = isType(fstat(tree), S.IFDIR);
    const target = isFolder ? directoryTarget(rootFd, planned.destination) : fileTarget(rootFd, planned.destination);
    try {
      moveMount(tree, target);
    } finally {
      close(target);
    }
  } finally {
    close(tree);
  }
}

/** Done before the mount is attached: there is no moment at which it has more rights than it should. */
function changeAttributes(place: number, { attributes, propagation }: PlannedMount): void {
  const { set, clear, recursiveSet, recursiveClear } = attributes;
  if (recursiveSet !== 0 || recursiveClear !== 0)
    mountSetattr(place, { set: recursiveSet, clear: recursiveClear, recursive: true });
  if (set !== 0 || clear !== 0) mountSetattr(place, { set, clear });
  for (const flags of propagation)
    mountSetattr(place, { propagation: flags & ~MS.REC, recursive: (flags & MS.REC) !== 0 });
}

function targetOf(rootFd: number, { destination, type }: PlannedMount): number {
  const ordinary = type === 'proc' || type === 'sysfs';
  return ordinary ? ordinaryDirectoryTarget(rootFd, destination, type) : directoryTarget(rootFd, destination);
}

function moveFileSystem(rootFd: number, planned: PlannedMount, there: number): void {
  const target = targetOf(rootFd, planned);
  try {
    moveMount(there, target);
  } finally {
    close(target);
    close(there);
  }
}

function mountFileSystem(rootFd: number, planned: PlannedMount): void {
  const { source, type, flags } = planned;
  const target = targetOf(rootFd, planned);
  const below = planned.copyUp ? openBelow(target) : -1;
  try {
    mount(source || type, pathOfFd(target), type, flags, dataOf(planned, target));
    if (below >= 0 || planned.propagation.length > 0) finish(rootFd, planned, below);
  } finally {
    close(target);
    close(below);
  }
}

/** A tmpfs over a folder of the image keeps the folder's mode, unless the spec says another. */
function dataOf({ type, data }: PlannedMount, target: number): string {
  if (type !== 'tmpfs' || /(^|,)mode=/.test(data)) return data;
  const mode = `mode=${(fstat(target).mode & 0o7777).toString(8)}`;
  return data === '' ? mode : `${data},${mode}`;
}

const openBelow = (target: number): number =>
  check(syscall(NR.openat, target, '.', O.RDONLY | O.DIRECTORY | O.CLOEXEC, 0), 'open the folder that is copied up');

function finish(rootFd: number, planned: PlannedMount, below: number): void {
  const fd = openInRoot(rootFd, planned.destination, O.RDONLY | O.DIRECTORY);
  try {
    if (below >= 0) copyTree(below, fd);
    for (const flags of planned.propagation)
      mountSetattr(fd, { propagation: flags & ~MS.REC, recursive: (flags & MS.REC) !== 0 });
  } finally {
    close(fd);
  }
}
