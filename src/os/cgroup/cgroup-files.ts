import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { NR } from '../../syscall/numbers.ts';
import { makeDirectory, readEntries, removeDirectory } from '../directory.ts';
import { ERRNO, isErrno } from '../errno.ts';
import { AT_FDCWD, close, O } from '../fd.ts';
import { exists, readText, readTextIfExists, writeControl } from '../file.ts';
import { sleep } from '../timer.ts';
import { utf8Decode } from '../utf8.ts';
import type { Hierarchy } from './hierarchy.ts';

const DT_DIR = 4;
const AT_REMOVEDIR = 0x200;
/** Somebody else may remove a cgroup above while one is made below it. */
const MAKE_ATTEMPTS = 10;
/** A process that has ended leaves its cgroup a moment later; one that forks is chased. */
const REMOVE_TIMEOUT_MS = 1000;
const FIRST_PAUSE_MS = 1;

/**
 * Makes the cgroup at `path` in a hierarchy, and those above it, so that processes can be put into it. What is there
 * already is used. The folders that were made, those above first.
 */
export function makeCgroup(hierarchy: Hierarchy, path: string): string[] {
  const made: string[] = [];
  for (let attempt = 1; ; attempt++) {
    try {
      makeBelow(hierarchy, path, made);
      break;
    } catch (error) {
      if (!isErrno(error, 'ENOENT', 'ENODEV') || attempt === MAKE_ATTEMPTS) throw error;
    }
  }
  return made;
}

function makeBelow(hierarchy: Hierarchy, path: string, made: string[]): void {
  const { mountPoint, controllers, version } = hierarchy;
  const folder = `${mountPoint}${path}`;
  const above = parentOf(path);
  if (version === 2) {
    if (above !== '') makeBelow(hierarchy, above, made);
    if (mayHaveChildren(`${mountPoint}${above}`)) handDownControllers(`${mountPoint}${above}`, HANDED_DOWN);
  }
  try {
    if (makeDirectory(folder)) made.push(folder);
  } catch (error) {
    if (!isErrno(error, 'ENOENT') || above === '') throw error;
    makeBelow(hierarchy, above, made);
    if (makeDirectory(folder)) made.push(folder);
  }
  if (controllers.includes('cpuset')) inheritCpuset(mountPoint, path);
}

/**
 * Whether cgroups below it (v2) may have controllers. One with processes of its own, unless it is the root, would become the
 * domain of threads by handing some down, and those below could have no process.
 */
function mayHaveChildren(folder: string): boolean {
  return processesIn(folder).length === 0 || !exists(`${folder}/cgroup.type`);
}

/** What the cgroups of containers are limited and counted by. */
const HANDED_DOWN = ['cpuset', 'cpu', 'io', 'memory', 'pids', 'hugetlb'];

/**
 * Lets the cgroups below `folder` (v2) have these controllers, as far as it has them itself. One that cannot be is left:
 * a limit that needs it then fails, and says so.
 */
export function handDownControllers(folder: string, wanted: readonly string[]): void {
  const there = words(readText(`${folder}/cgroup.controllers`));
  const given = words(readText(`${folder}/cgroup.subtree_control`));
  const missing = wanted.filter((name) => there.includes(name) && !given.includes(name));
  if (missing.length === 0) return;
  const control = `${folder}/cgroup.subtree_control`;
  try {
    writeControl(control, missing.map((name) => `+${name}`).join(' '));
  } catch (error) {
    if (!isErrno(error, 'EBUSY', 'EOPNOTSUPP', 'EINVAL', 'EPERM')) throw error;
    // All or none of a write is done. EBUSY: it has processes, see above.
    if (missing.length > 1 && !isErrno(error, 'EBUSY')) for (const name of missing) handDownControllers(folder, [name]);
  }
}

const words = (text: string): string[] => text.trim().split(' ');

/** A cpuset of v1 begins empty and then takes no process: it gets what the one above has, which may have been empty too. */
function inheritCpuset(mountPoint: string, path: string): void {
  for (const name of ['cpuset.cpus', 'cpuset.mems']) {
    const file = `${mountPoint}${path}/${name}`;
    if (path === '' || readText(file).trim() !== '') continue;
    const above = parentOf(path);
    inheritCpuset(mountPoint, above);
    writeControl(file, readText(`${mountPoint}${above}/${name}`).trim());
  }
}

/** Puts a process, all its threads, into a cgroup; 0 is this process. `not-found` with ESRCH when it has ended. */
export function joinCgroup(folder: string, pid = 0): void {
  writeControl(`${folder}/cgroup.procs`, `${pid}`);
}

/** Puts one thread into a cgroup; whether it still ran. On v2 the cgroup is a threaded one of the same process's domain. */
export function joinThread({ version }: Hierarchy, folder: string, tid: number): boolean {
  try {
    writeControl(`${folder}/${version === 1 ? 'tasks' : 'cgroup.threads'}`, `${tid}`);
    return true;
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return false;
    throw error;
  }
}

/** The processes in a cgroup itself; 0 stands for one that this process cannot see. None for one that is not there. */
export function processesIn(folder: string): number[] {
  try {
    return (readTextIfExists(`${folder}/cgroup.procs`) ?? '').split('\n').filter(Boolean).map(Number);
  } catch (error) {
    // A threaded cgroup's processes are told by its domain; ENODEV: it was removed meanwhile.
    if (isErrno(error, 'EOPNOTSUPP', 'ENODEV')) return [];
    throw error;
  }
}

/** A cgroup and those nested inside, parents first; itself alone when it is not there. */
export function cgroupsBelow(folder: string): string[] {
  const folders = [folder];
  for (let i = 0; i < folders.length; i++) {
    const fd = syscall(NR.openat, AT_FDCWD, folders[i]!, O.RDONLY | O.DIRECTORY | O.CLOEXEC, 0);
    if (fd < 0) continue;
    try {
      for (const { type, rawName } of readEntries(fd, folders[i]!))
        if (type === DT_DIR) folders.push(`${folders[i]}/${utf8Decode(rawName.subarray(0, -1))}`);
    } catch (error) {
      if (!isErrno(error, 'ENOENT', 'ENODEV')) throw error;
    } finally {
      close(fd);
    }
  }
  return folders;
}

/**
 * Removes a cgroup and those nested inside; not there is fine. Processes that are still in it, which are not ours, go to the
 * nearest cgroup above that takes them, else to `refuge`. `failed-precondition` when some stay.
 */
export async function removeCgroup(folder: string, refuge: string): Promise<void> {
  let pauseMs = FIRST_PAUSE_MS;
  for (let waitedMs = 0; ; waitedMs += pauseMs, pauseMs *= 2) {
    try {
      removeDirectory(folder);
      return;
    } catch (error) {
      if (!isErrno(error, 'EBUSY')) throw error;
    }
    const nested = cgroupsBelow(folder).reverse();
    for (const each of nested) for (const pid of processesIn(each)) moveAway(folder, refuge, pid);
    const isGone = nested.map(removeIfEmpty).every((removed) => removed);
    if (isGone) return;
    if (waitedMs >= REMOVE_TIMEOUT_MS) {
      const left = nested.flatMap(processesIn);
      throw new KataError(
        'failed-precondition',
        `the cgroup ${folder} is expected to be empty, found ${left.length === 0 ? 'it busy' : `the processes ${left.join(', ')}`}`,
        { errno: 'EBUSY', hint: `move them away, then rmdir ${folder}` },
      );
    }
    await sleep(pauseMs);
  }
}

/** Removes a cgroup if nothing is in it; whether it is gone. */
export function removeIfEmpty(folder: string): boolean {
  const result = syscall(NR.unlinkat, AT_FDCWD, folder, AT_REMOVEDIR);
  return result === 0 || result === -ERRNO.ENOENT;
}

/** Puts a process elsewhere; one that has ended, or that no cgroup takes, is left. */
function moveAway(folder: string, refuge: string, pid: number): void {
  if (pid === 0) return;
  const places: string[] = [];
  for (let above = parentOf(folder); above !== ''; above = parentOf(above)) places.push(above);
  for (const place of [...places.filter(isCgroup), refuge]) {
    try {
      joinCgroup(place, pid);
      return;
    } catch (error) {
      if (isErrno(error, 'ESRCH')) return;
    }
  }
}

const isCgroup = (folder: string): boolean => exists(`${folder}/cgroup.procs`);
const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));
