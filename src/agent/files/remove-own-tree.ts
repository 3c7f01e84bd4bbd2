import { KataError } from '../../errors/kata-error.ts';
import { removeTree } from '../../os/directory.ts';
import { lstatIfExists, stat } from '../../os/stat.ts';
import { unmountAll } from '../../os/unmount.ts';

/** Memory that the agent has mounted for itself; what it makes is there, or on a file system of somebody else. */
const OWN = '/run';

/**
 * Unmounts what is at `path` and below, and removes what is left; nothing there is fine. What then stands on another
 * file system than the agent's own is left as it is: a folder that the host shares holds the host's files. The failures
 * are the result.
 */
export function removeOwnTree(path: string): KataError[] {
  const failures = unmountAll(path, { lazy: true });
  if (failures.length > 0) return failures;
  try {
    const found = lstatIfExists(path);
    if (found !== null && found.device === stat(OWN).device) removeTree(path);
    return [];
  } catch (error) {
    return [KataError.from(error)];
  }
}
