import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { check } from '../../os/errno.ts';
import { close } from '../../os/fd.ts';
import { MS, mountSetattr, moveMount, openTree, pivotRoot, setPropagation } from '../../os/mount.ts';
import { stat } from '../../os/stat.ts';
import { listMounts } from '../../os/unmount.ts';
import { NR } from '../../syscall/numbers.ts';

const PROPAGATION: Readonly<Record<string, number>> = {
  '': MS.SLAVE | MS.REC,
  shared: MS.SHARED,
  rshared: MS.SHARED | MS.REC,
  slave: MS.SLAVE,
  rslave: MS.SLAVE | MS.REC,
  private: MS.PRIVATE,
  rprivate: MS.PRIVATE | MS.REC,
  unbindable: MS.UNBINDABLE,
  runbindable: MS.UNBINDABLE | MS.REC,
};

/** The flags of `linux.rootfsPropagation`; none said means rslave. */
export function propagationFlags(word: string): number {
  const flags = PROPAGATION[word];
  if (flags === undefined)
    throw new KataError(
      'invalid-argument',
      `linux.rootfsPropagation is expected to be one of ${Object.keys(PROPAGATION).filter(Boolean).join(', ')}, found ${JSON.stringify(word)}`,
    );
  return flags;
}

/**
 * In the child, in its new mount namespace: makes the folder at `path` a mount of its own that pivot_root(2) takes, and
 * decides how later mounts spread. A descriptor of the new mount's root; every path of the container is resolved from it.
 *
 * @param given a copy of what is mounted at `path`, from whoever sees it: this namespace may be older
 */
export function attachRoot(path: string, propagation: string, given?: number): number {
  const flags = propagationFlags(propagation);
  setPropagation('/', flags);
  // pivot_root(2) refuses a root on a shared mount; and the copy must not spread to the agent.
  if ((flags & MS.SHARED) !== 0) makeHolderPrivate(path);
  const tree = given ?? openTree(path, { recursive: true });
  try {
    mountSetattr(tree, { propagation: MS.PRIVATE });
    moveMount(tree, path);
    // The descriptor of the copy is the mount itself, attached by now at the very place that it shows.
    return tree;
  } catch (error) {
    close(tree);
    throw error;
  }
}

function makeHolderPrivate(path: string): void {
  const { mountId } = stat(path);
  const holder = listMounts().find((each) => BigInt(each.mountId) === mountId);
  if (holder !== undefined) setPropagation(holder.mountPoint, MS.PRIVATE);
}

/** Makes the mount behind the descriptor the root and drops everything else. The working directory is its `/`. */
export function enterRoot(rootFd: number, propagation: string): void {
  check(syscall(NR.fchdir, rootFd), 'enter the root');
  pivotRoot('.');
  if (propagation !== '') setPropagation('/', propagationFlags(propagation));
}
