import { KataError } from '../../errors/kata-error.ts';
import { MS } from '../../os/mount.ts';
import type { Mount } from '../../protocols/gen/oci.ts';
import { type MountAttributes, parseMountOptions } from '../mount-options.ts';

/** One mount of a container, its options in the kernel's terms. */
export interface PlannedMount {
  kind: 'bind' | 'file-system';
  destination: string;
  source: string;
  /** The file system's name; empty for a bind. */
  type: string;
  /** `MS` flags of a file system. */
  flags: number;
  /** The file system's own options. */
  data: string;
  /** `MOUNT_ATTR` bits of a bind, those of the mount alone and those of all below as well. */
  attributes: MountAttributes;
  /** `MS` propagation flags, in the order in which they are set. */
  propagation: readonly number[];
  /** A bind brings along what is mounted below its source. */
  recursive: boolean;
  /** A tmpfs begins with what the folder below it holds. */
  copyUp: boolean;
  /** Read-only in the end, but written while the container is set up: mount points inside, devices. */
  lateReadOnly: boolean;
}

/** Plans one mount of the spec. */
export function planMount(mount: Mount): PlannedMount {
  if (!mount.destination.startsWith('/'))
    throw new KataError(
      'invalid-argument',
      `an absolute destination of a mount is expected, found ${JSON.stringify(mount.destination)}`,
    );
  const options = parseMountOptions(mount.options);
  const kind = options.bind || mount.type === 'bind' || mount.type === 'rbind' ? 'bind' : 'file-system';
  // The guest has cgroup v2 alone, whatever the host called its own.
  const type = kind === 'bind' ? '' : mount.type === 'cgroup' ? 'cgroup2' : mount.type;
  if (kind === 'file-system' && type === '')
    throw new KataError('invalid-argument', `a type of the mount on ${mount.destination} is expected, it has none`);
  const late = type === 'tmpfs' && (options.flags & MS.RDONLY) !== 0;
  return {
    kind,
    destination: mount.destination,
    source: mount.source,
    type,
    flags: late ? options.flags & ~MS.RDONLY : options.flags,
    // The options of the root cgroup are the guest's; a container's namespace cannot set them.
    data: type === 'cgroup2' ? '' : options.data,
    attributes: options.attributes,
    propagation: options.propagation,
    recursive: options.recursive || mount.type === 'rbind',
    copyUp: options.copyUp && type === 'tmpfs',
    lateReadOnly: late,
  };
}
