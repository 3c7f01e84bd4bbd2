import { close, O } from '../../os/fd.ts';
import { MOUNT_ATTR, MS, mount, mountSetattr, moveMount, openTree } from '../../os/mount.ts';
import { openInRoot, pathOfFd } from '../../os/resolve.ts';
import { fstat, isType, S } from '../../os/stat.ts';
import { openIfThere } from './target.ts';

/**
 * Hides paths of a container: a file behind the guest's own `/dev/null`, a folder behind an empty one that cannot be
 * written (runtime-spec, `maskedPaths`). What isn't there needs no hiding.
 */
export function maskPaths(rootFd: number, paths: readonly string[]): void {
  for (const path of paths) {
    const fd = openIfThere(rootFd, path);
    if (fd === null) continue;
    try {
      if (isType(fstat(fd), S.IFDIR)) mount('tmpfs', pathOfFd(fd), 'tmpfs', MS.RDONLY, 'size=4k,nr_inodes=1');
      else attachCopy('/dev/null', fd);
    } finally {
      close(fd);
    }
  }
}

/** Makes paths of a container read-only, with all that is mounted below (runtime-spec, `readonlyPaths`). */
export function protectPaths(rootFd: number, paths: readonly string[]): void {
  for (const path of paths) {
    const fd = openIfThere(rootFd, path);
    if (fd === null) continue;
    try {
      attachCopy(fd, fd, MOUNT_ATTR.RDONLY);
    } finally {
      close(fd);
    }
  }
}

function attachCopy(source: string | number, target: number, attributes = 0): void {
  const tree = openTree(source, { recursive: attributes !== 0 });
  try {
    if (attributes !== 0) mountSetattr(tree, { set: attributes, recursive: true });
    moveMount(tree, target);
  } finally {
    close(tree);
  }
}

/** Makes one mount of a container read-only, which had to be written while the container was set up. */
export function makeReadOnly(rootFd: number, path: string): void {
  const fd = openInRoot(rootFd, path, O.PATH);
  try {
    mountSetattr(fd, { set: MOUNT_ATTR.RDONLY });
  } finally {
    close(fd);
  }
}
