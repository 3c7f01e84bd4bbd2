/** A container's root as a read-only image on the host, in use until released. */
export interface RootImage {
  /** A regular file or a block device. */
  path: string;
  /** The file system in it, as mount(2) names it. */
  fsType: 'erofs' | 'ext4' | 'xfs' | 'squashfs';
  /** Lets the cache drop it, idempotent. The kernel does the same when the process dies. */
  release(): void;
}

/** A mount as containerd's snapshotter hands it over (containerd.types.Mount). */
export interface SnapshotMount {
  type: string;
  source: string;
  options: readonly string[];
}
