import { KataError } from '../errors/kata-error.ts';
import { readEntries } from '../os/directory.ts';
import { isErrno } from '../os/errno.ts';
import { close, O, open } from '../os/fd.ts';
import { isType, S, stat } from '../os/stat.ts';
import { EROFS_FORMAT, makeErofsImage } from './erofs-image.ts';
import { holdFile, ImageCache } from './image-cache.ts';
import { contentKey, layerAt } from './layer.ts';
import type { RootImage, SnapshotMount } from './root-image.ts';
import { planFolder, planSnapshot, type RootPlan } from './snapshot.ts';

export interface PrepareRootOptions {
  /** What the snapshotter handed over; none: the root is `bundleRoot`. */
  mounts: readonly SnapshotMount[];
  /** `root.path` of the bundle, absolute. */
  bundleRoot: string;
  /** `rootfs_cache_dir`. */
  cacheDirectory: string;
  /** `rootfs_cache_size_mib`. */
  cacheSizeMib: number;
  log?: (message: string) => void;
}

/**
 * A container's root as an image. Block devices and images are used as they are; layers become a cached EROFS image; what
 * may change becomes an image of its own, removed when released.
 *
 * Unlike Kata: works with every snapshotter when no files are shared, the overlayfs one included (#10703).
 */
export async function prepareRoot(options: PrepareRootOptions): Promise<RootImage> {
  const plan = options.mounts.length === 0 ? planFolder(options.bundleRoot) : planSnapshot(options.mounts);
  if (plan.kind === 'image') return asItIs(plan.path, plan.fsType);
  checkFolders(plan);
  const { cacheDirectory: directory, cacheSizeMib: sizeMib, log } = options;
  const cache = new ImageCache({ directory, sizeMib, ...(log === undefined ? {} : { log }) });
  const { tree, layers, upper } = plan;
  if (upper !== null && tree.kind === 'overlay' && !isEmpty(upper)) {
    const whole = { ...tree, lowers: [upper, ...tree.lowers] };
    return cache.acquirePrivate((path, mountPoint) => makeErofsImage(whole, path, mountPoint));
  }
  if (layers === null) return cache.acquirePrivate((path, mountPoint) => makeErofsImage(tree, path, mountPoint));
  const known = layers.map(layerAt);
  const reading = tree.kind === 'overlay' ? tree.reading : [];
  const key = contentKey([EROFS_FORMAT, ...reading, ...known.flatMap(({ path, identity }) => [path, identity])]);
  return cache.acquire(key, known, (path, mountPoint) => makeErofsImage(tree, path, mountPoint));
}

function asItIs(path: string, fsType: RootImage['fsType']): RootImage {
  const found = stat(path);
  if (isType(found, S.IFBLK)) return { path, fsType, release: () => {} };
  const held = isType(found, S.IFREG) ? holdFile(path, fsType) : null;
  if (held !== null) return held;
  throw new KataError(
    'not-found',
    `an image of type ${fsType} is expected at ${path}, ${isType(found, S.IFREG) ? 'it is being removed' : 'it is neither a file nor a block device'}`,
  );
}

/** Says which folder is missing, and not that some mount answered ENOENT. */
function checkFolders({ tree, layers }: RootPlan & { kind: 'tree' }): void {
  if (tree.kind === 'mount') return;
  const paths = tree.kind === 'bind' ? [tree.source] : (layers ?? []);
  for (const path of paths) {
    try {
      if (isType(stat(path), S.IFDIR)) continue;
    } catch (error) {
      if (!isErrno(error, 'ENOENT', 'ENOTDIR')) throw error;
      throw new KataError('not-found', `a folder of the container's root is expected at ${path}, nothing is there`, {
        errno: 'ENOENT',
        cause: error,
      });
    }
    throw new KataError('invalid-argument', `a folder of the container's root is expected at ${path}, it is none`);
  }
}

function isEmpty(folder: string): boolean {
  const fd = open(folder, O.RDONLY | O.DIRECTORY);
  try {
    return readEntries(fd, folder).length === 0;
  } finally {
    close(fd);
  }
}
