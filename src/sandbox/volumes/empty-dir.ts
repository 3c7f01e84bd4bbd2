import { stat, statfs } from '../../os/stat.ts';
import type { Storage } from '../../protocols/gen/agent.ts';
import { GUEST_EMPTY_DIRS, GUEST_MEMORY_EMPTY_DIRS } from '../guest-paths.ts';

const TMPFS_MAGIC = 0x01021994;

/**
 * A pod's emptyDir as folders of the guest: all containers of the pod have the same one, and it outlives each of them.
 * With the medium Memory it is a tmpfs with the limit that kubelet has set; otherwise a folder that lies in the guest's
 * memory too, since the guest has no disk of its own. Mode and group (fsGroup) are the host folder's.
 * The drivers are upstream's own.
 */
export function emptyDirStorage(path: string, volume: string, guestMemoryBytes: number): Storage {
  const { mode, gid } = stat(path);
  const { type, totalBytes } = statfs(path);
  const options = [`mode=${(mode & 0o7777).toString(8)}`];
  if (gid !== 0) options.push(`fsgid=${gid}`);
  const common = { driverOptions: [], fsGroup: undefined, shared: true };
  if (type !== TMPFS_MAGIC)
    return {
      ...common,
      driver: 'local',
      source: 'local',
      fstype: 'local',
      options,
      mountPoint: `${GUEST_EMPTY_DIRS}/${volume}`,
    };
  // Without a limit of its own it has the host's memory, which is not there.
  if (totalBytes > 0 && totalBytes < guestMemoryBytes) options.push(`size=${totalBytes}`);
  const mountPoint = `${GUEST_MEMORY_EMPTY_DIRS}/${volume}`;
  return { ...common, driver: 'ephemeral', source: 'tmpfs', fstype: 'tmpfs', options, mountPoint };
}

/** A folder within an emptyDir of the guest, made like that of the host. */
export function emptyDirSubPath(hostPath: string, mountPoint: string): Storage {
  const { mode } = stat(hostPath);
  const options = [`mode=${(mode & 0o7777).toString(8)}`];
  return {
    driver: 'local',
    driverOptions: [],
    source: 'local',
    fstype: 'local',
    options,
    mountPoint,
    fsGroup: undefined,
    shared: true,
  };
}
