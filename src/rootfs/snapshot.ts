import { KataError } from '../errors/kata-error.ts';
import { parseOverlayOptions } from './overlay-options.ts';
import type { RootImage, SnapshotMount } from './root-image.ts';
import type { Tree } from './tree.ts';

/** What a snapshot is, seen as the root of a container in a VM. */
export type RootPlan =
  /** A file system that the guest can mount as it is. */
  | { kind: 'image'; path: string; fsType: RootImage['fsType'] }
  /** Files of the host, to be made an image of. */
  | {
      kind: 'tree';
      tree: Tree;
      /** The folders that together are the content, when they never change; null: it may change at any time. */
      layers: readonly string[] | null;
      /** A folder whose content covers the layers'; what the snapshot's container has written. */
      upper: string | null;
    };

const IMAGES: readonly string[] = ['erofs', 'ext4', 'xfs', 'squashfs'] satisfies RootImage['fsType'][];
/** Options that say how the host would mount an image, and change nothing in it. */
const HARMLESS =
  /^(ro|rw|loop|r?bind|(no)?(atime|diratime|relatime|suid|dev|exec|user|auto|discard|barrier)|defaults|nouuid|errors=.*|user_xattr|acl|X-containerd\.(mkfs|mkdir|mount-point|target)\b.*|x-.*)$/;

/**
 * What to do with the mounts that containerd's snapshotter hands over. `unimplemented` names the mount that is not known.
 * Of several mounts on one place the last covers the others.
 */
export function planSnapshot(mounts: readonly SnapshotMount[]): RootPlan {
  const mount = mounts.at(-1);
  if (mount === undefined) throw new KataError('invalid-argument', 'a snapshot of at least one mount is expected');
  const { source, options } = mount;
  // `fuse3.x` and the like name the program behind a file system; `format/overlay` is a template of containerd 2.2's.
  switch (mount.type) {
    case 'bind':
    case '':
      return planFolder(source);
    case 'overlay':
      return planOverlay(options);
    case 'btrfs':
      return {
        kind: 'tree',
        tree: { kind: 'mount', type: 'btrfs', source, data: btrfsData(options) },
        layers: null,
        upper: null,
      };
  }
  if (!IMAGES.includes(mount.type)) throw unknown(mount, `a mount of type bind, overlay, btrfs, ${IMAGES.join(', ')}`);
  const strange = options.find((option) => !HARMLESS.test(option));
  if (strange !== undefined) throw unknown(mount, `an image without the option ${strange}`);
  return { kind: 'image', path: source, fsType: mount.type as RootImage['fsType'] };
}

/** A folder of the host: that it is read-only for the container does not mean that nobody else changes it. */
export function planFolder(path: string): RootPlan {
  return { kind: 'tree', tree: { kind: 'bind', source: path }, layers: null, upper: null };
}

function planOverlay(options: readonly string[]): RootPlan {
  const { lowers, upper, reading } = parseOverlayOptions(options);
  return { kind: 'tree', tree: { kind: 'overlay', lowers, reading }, layers: lowers, upper };
}

const btrfsData = (options: readonly string[]): string =>
  options.filter((option) => /^subvol(id)?=/.test(option)).join(',');

function unknown(mount: SnapshotMount, expected: string): KataError {
  return new KataError(
    'unimplemented',
    `${expected} is expected as a container's root, found ${JSON.stringify(mount)}`,
    { hint: 'use the snapshotter overlayfs, native, devmapper, blockfile, btrfs or erofs' },
  );
}
