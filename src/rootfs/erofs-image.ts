import { KataError } from '../errors/kata-error.ts';
import { findExecutable } from '../os/process.ts';
import { statfs } from '../os/stat.ts';
import { diskFull, wasDiskFull } from './disk-full.ts';
import { runInPrivateMounts } from './private-child.ts';
import { showTree, type Tree } from './tree.ts';
import { type TreeSize, treeSize } from './tree-size.ts';

/** Changes when images are made in another way, so that those made before are not used. */
export const EROFS_FORMAT = 1;

/**
 * Options that mkfs.erofs 1.5 (Debian 12) and newer have: every file keeps its own time to the nanosecond, its owner and
 * its extended attributes. Nothing is compressed: the guest reads it through the host's page cache, and decompressing
 * costs more than reading, most of all under emulation.
 */
const OPTIONS = ['--quiet', '--preserve-mtime', '-Eforce-inode-extended'];
/** Equal chunks, holes first of all, are stored once. Costs a hash of everything, so it is for files with holes only. */
const CHUNKED = '--chunksize=65536';
/** An inode with its name and a share of the folders' blocks. */
const BYTES_PER_FILE = 128;
/** What hashing through takes minutes is no container's root. */
const MAX_BYTES = 256 * 2 ** 30;

/** mkfs.erofs 1.5 (Debian 12) cuts the longest name that there can be, and then looks for that. */
const LONG_NAME_HINT = 'mkfs.erofs 1.5 cannot store a name of 255 bytes: shorten it, or install a newer erofs-utils';

const mib = (bytes: number): number => Math.ceil(bytes / 2 ** 20);

/**
 * Makes an EROFS image of a tree at `image`, in a child process; `mountPoint` is an empty folder that the child mounts
 * over. `resource-exhausted` when the disk is too full, before or while writing; then a part of the image may be left.
 */
export async function makeErofsImage(tree: Tree, image: string, mountPoint: string): Promise<void> {
  const program = findMkfs();
  const { status, output } = await runInPrivateMounts(() => {
    const root = showTree(tree, mountPoint);
    const size = treeSize(root);
    checkSize(size, image);
    return [program, ...OPTIONS, ...(size.holeBytes > 0 ? [CHUNKED] : []), image, root];
  });
  if (status.code === 0) return;
  const said = output.trim().split('\n').at(-1)?.replace(/\s+/g, ' ') ?? '';
  if (wasDiskFull(output, image)) throw diskFull(`the image ${image}`, `mkfs.erofs said: ${said}`);
  const how = status.signal === 0 ? `ended with status ${status.code}` : `was ended by signal ${status.signal}`;
  throw new KataError('internal', `mkfs.erofs is expected to make ${image}, it ${how}: ${said}`, {
    hint: /no such file/i.test(output) ? LONG_NAME_HINT : 'erofs-utils 1.5 or newer is needed: apt install erofs-utils',
  });
}

function findMkfs(): string {
  try {
    return findExecutable('mkfs.erofs');
  } catch (error) {
    throw new KataError(
      'not-found',
      `mkfs.erofs is needed to make the image of a container's root, it is not installed`,
      {
        hint: 'apt install erofs-utils',
        cause: error,
      },
    );
  }
}

function checkSize({ files, bytes, holeBytes }: TreeSize, image: string): void {
  if (bytes > MAX_BYTES)
    throw new KataError(
      'resource-exhausted',
      `a root of at most ${mib(MAX_BYTES)} MiB is expected, found ${mib(bytes)} MiB`,
    );
  const needed = bytes - holeBytes + files * BYTES_PER_FILE;
  const { availableBytes } = statfs(image);
  if (needed > availableBytes)
    throw diskFull(`the image ${image}`, `about ${mib(needed)} MiB are needed, ${mib(availableBytes)} MiB are free`);
}
