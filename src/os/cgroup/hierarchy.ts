import { parseMountInfo } from '../mountinfo.ts';

/** A cgroup hierarchy as it is mounted. */
export interface Hierarchy {
  version: 1 | 2;
  /** Its controllers, of v1 in the kernel's order; `name=systemd` for one that only has a name; none for v2. */
  controllers: readonly string[];
  /** Where its root is: `/sys/fs/cgroup/cpu,cpuacct`. */
  mountPoint: string;
}

/** Where this system's hierarchies are looked for (file-hierarchy(7)). */
export const CGROUP_ROOT = '/sys/fs/cgroup';

/** What the kernel tells of a v1 mount besides its controllers. */
const NO_CONTROLLER = /^(rw|ro|xattr|noprefix|clone_children|cpuset_v2_mode|favordynmods|release_agent=.*)$/;

/**
 * The hierarchies that processes are placed in, by `/proc/self/mountinfo`: those of v1 where there are any (v1 and hybrid
 * hosts), else that of v2. One that is mounted more than once is the one below /sys/fs/cgroup.
 */
export function parseHierarchies(mountinfo: string): Hierarchy[] {
  // A host has hundreds of mounts, a dozen of which matter.
  const lines = mountinfo.split('\n').filter((line) => / - cgroup2? /.test(line));
  const found = parseMountInfo(lines.join('\n')).map(
    ({ type, mountPoint, superOptions }): Hierarchy => ({
      version: type === 'cgroup2' ? 2 : 1,
      controllers: type === 'cgroup2' ? [] : superOptions.filter((option) => !NO_CONTROLLER.test(option)),
      mountPoint,
    }),
  );
  const version = found.some((hierarchy) => hierarchy.version === 1) ? 1 : 2;
  const byName = new Map<string, Hierarchy>();
  for (const hierarchy of found) {
    if (hierarchy.version !== version) continue;
    const name = hierarchy.controllers.join(',');
    if (!byName.has(name) || hierarchy.mountPoint.startsWith(`${CGROUP_ROOT}`)) byName.set(name, hierarchy);
  }
  return [...byName.values()];
}

/** The path of a process in a hierarchy, by its `/proc/<pid>/cgroup`; null when it is in none, or cannot be told. */
export function pathInHierarchy({ version, controllers }: Hierarchy, cgroupFile: string): string | null {
  for (const line of cgroupFile.split('\n')) {
    const [id, names, path] = splitInThree(line);
    const isIt = version === 2 ? id === '0' : names === controllers.join(',');
    // Above the root of our own cgroup namespace.
    if (isIt) return path === '' || path.startsWith('/..') ? null : path;
  }
  return null;
}

function splitInThree(line: string): [string, string, string] {
  const first = line.indexOf(':');
  const second = line.indexOf(':', first + 1);
  return [line.slice(0, first), line.slice(first + 1, second), line.slice(second + 1)];
}
