import { syscall } from 'sys';
import { makeDirectory } from '../os/directory.ts';
import { check } from '../os/errno.ts';
import { bindMount, MS, mount } from '../os/mount.ts';
import { NR } from '../syscall/numbers.ts';
import { overlayData } from './overlay-options.ts';

/** Files of the host that are to be seen in one place. */
export type Tree =
  | { kind: 'bind'; source: string }
  /** Layers, the top first. */
  | { kind: 'overlay'; lowers: readonly string[]; reading: readonly string[] }
  | { kind: 'mount'; type: string; source: string; data: string };

/**
 * Shows a tree read-only in a folder below `place` and answers its path. For a process in a mount namespace of its own:
 * nothing is unmounted again, and the working directory changes.
 */
export function showTree(tree: Tree, place: string): string {
  mount('kata-image', place, 'tmpfs', MS.NOSUID | MS.NODEV, 'mode=0700');
  const root = `${place}/root`;
  makeDirectory(root);
  switch (tree.kind) {
    case 'bind':
      bindMount(tree.source, root, { readOnly: true });
      break;
    case 'mount':
      mount(tree.source, root, tree.type, MS.RDONLY, tree.data);
      break;
    case 'overlay': {
      // One layer alone is refused; an empty one below changes nothing, and the layer's whiteouts stay unseen.
      const empty = `${place}/empty`;
      makeDirectory(empty);
      const lowers = tree.lowers.length === 1 ? [...tree.lowers, empty] : tree.lowers;
      const { folder, data } = overlayData(lowers, tree.reading);
      check(syscall(NR.chdir, folder), `enter ${folder}`);
      mount('overlay', root, 'overlay', MS.RDONLY, data);
    }
  }
  return root;
}
