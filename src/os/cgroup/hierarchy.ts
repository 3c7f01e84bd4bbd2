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

/** What is mounted on a system. */
export interface Hierarchies {
  /** Those that processes are placed in: of v1 where there are any (v1 and hybrid hosts), else that of v2. */
  placed: Hierarchy[];
  /** Of a hybrid host that of v2, in which systemd follows the processes of its units; null on others. */
  tracker: Hierarchy | null;
}

/** The hierarchies by `/proc/self/mountinfo`. One that is mounted more than once is the one below /sys/fs/cgroup. */
export function parseHierarchies(mountinfo: string): Hierarchies {
  // A host has hundreds of mounts, a dozen of which matter.
  const lines = mountinfo.split('\n').filter((line) => / - cgroup2? /.test(line));
  const byName = new Map<string, Hierarchy>();
  for (const { type, mountPoint, superOptions } of parseMountInfo(lines.join('\n'))) {
    const version = type === 'cgroup2' ? 2 : 1;
    const controllers = version === 2 ? [] : superOptions.filter((option) => !NO_CONTROLLER.test(option));
    const name = controllers.join(',');
    if (!byName.has(name) || mountPoint.startsWith(`${CGROUP_ROOT}/`))
      byName.set(name, { version, controllers, mountPoint });
  }
  const all = [...byName.values()];
  const v1 = all.filter(({ version }) => version === 1);
  const v2 = all.find(({ version }) => version === 2);
  if (v1.length > 0) return { placed: v1, tracker: v2 ?? null };
  return { placed: v2 === undefined ? [] : [v2], tracker: null };
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
