import { exists, readText } from '../file.ts';
import { statfs } from '../stat.ts';
import { CGROUP_ROOT, type Hierarchies, parseHierarchies } from './hierarchy.ts';

/** `CGROUP2_SUPER_MAGIC` of statfs(2). */
const CGROUP2_MAGIC = 0x63677270;

/** This system's hierarchies. */
export function mountedHierarchies(): Hierarchies {
  // The usual case needs no list of mounts.
  if (exists(CGROUP_ROOT) && statfs(CGROUP_ROOT).type === CGROUP2_MAGIC)
    return { placed: [{ version: 2, controllers: [], mountPoint: CGROUP_ROOT }], tracker: null };
  return parseHierarchies(readText('/proc/self/mountinfo'));
}
