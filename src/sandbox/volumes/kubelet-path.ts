/** What kubelet keeps at a path that it has a container mount, by the path alone. */
export type KubeletPath =
  /** An emptyDir, of the disk or of memory. */
  | { kind: 'empty-dir'; volume: string }
  /** A folder or file of a volume (`subPath`); `volume` is its name, `emptyDir` where it would be if it is an emptyDir. */
  | { kind: 'sub-path'; volume: string; emptyDir: string }
  /** Where a container leaves the reason of its end. */
  | { kind: 'termination-log' };

const EMPTY_DIR = 'volumes/kubernetes.io~empty-dir';
/** Below the folder of a pod: `<kubelet's root>/pods/<uid>`. */
const PATTERN =
  /^(.*\/pods\/[^/]+)\/(?:volumes\/kubernetes\.io~empty-dir\/([^/]+)|volume-subpaths\/([^/]+)\/[^/]+\/\d+|containers\/[^/]+\/[0-9a-f]+)$/;

/** Null for what is none of kubelet's, or is like any other file or folder. */
export function kubeletPath(path: string): KubeletPath | null {
  const found = PATTERN.exec(path);
  if (found === null) return null;
  const [, pod, emptyDir, subPathVolume] = found;
  if (emptyDir !== undefined) return { kind: 'empty-dir', volume: emptyDir };
  if (subPathVolume !== undefined)
    return { kind: 'sub-path', volume: subPathVolume, emptyDir: `${pod}/${EMPTY_DIR}/${subPathVolume}` };
  return { kind: 'termination-log' };
}
