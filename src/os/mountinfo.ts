import { KataError } from '../errors/kata-error.ts';

/** One line of `/proc/self/mountinfo` (proc_pid_mountinfo(5)). */
export interface MountInfo {
  mountId: number;
  parentId: number;
  /** `major:minor` of the file system. */
  device: string;
  /** The folder of the file system that is shown. */
  root: string;
  /** Where it is mounted, seen from this process's root. */
  mountPoint: string;
  /** The mount's own options: `rw`, `nosuid`. */
  options: string[];
  /** `shared:7`, `master:3`; none for a private mount. */
  propagation: string[];
  /** `ext4`, `fuse.sshfs`. */
  type: string;
  source: string;
  /** The file system's options: `rw`, `size=64k`. */
  superOptions: string[];
}

/** The kernel writes space, tab, newline, backslash and `#` as three octal digits. */
function decodeOctal(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

function parseLine(line: string): MountInfo {
  const fields = line.split(' ');
  const separator = fields.indexOf('-', 6);
  if (separator < 0 || fields.length < separator + 4)
    throw new KataError('internal', `a line of mountinfo is expected, found ${JSON.stringify(line)}`);
  const [mountId, parentId, device, root, mountPoint, options] = fields as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const [type, source, superOptions] = fields.slice(separator + 1) as [string, string, string];
  return {
    mountId: Number(mountId),
    parentId: Number(parentId),
    device,
    root: decodeOctal(root),
    mountPoint: decodeOctal(mountPoint),
    options: options.split(','),
    propagation: fields.slice(6, separator),
    type: decodeOctal(type),
    source: decodeOctal(source),
    superOptions: superOptions.split(','),
  };
}

/** Every mount of a `mountinfo` file, in the kernel's order: of two on one place the later covers the earlier. */
export function parseMountInfo(text: string): MountInfo[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map(parseLine);
}

const depth = (path: string): number => path.split('/').filter((name) => name !== '').length;

/** The mounts at `path` and below it, in the order in which they can be unmounted: deepest first, of a pile the top. */
export function mountsBelow(mounts: readonly MountInfo[], path: string): MountInfo[] {
  const folder = path.endsWith('/') ? path : `${path}/`;
  return mounts
    .filter(({ mountPoint }) => `${mountPoint}/`.startsWith(folder) || folder === '/')
    .reverse()
    .sort((a, b) => depth(b.mountPoint) - depth(a.mountPoint));
}
