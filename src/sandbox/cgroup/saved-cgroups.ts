import { KataError } from '../../errors/kata-error.ts';
import { removeCgroup, removeIfEmpty } from '../../os/cgroup/cgroup-files.ts';
import { isSystemdRunning, stopUnit } from '../../os/systemd/manager.ts';

/** What of a sandbox's cgroups has to be removed, by whoever does it. */
export interface SavedCgroups {
  /** Folders of the cgroup file system that are the sandbox's alone; whom others put there goes to `refuge` if need be. */
  own: { folder: string; refuge: string }[];
  /** Folders above them that were made for it: they go if nobody else is in them. The deeper ones last. */
  above: string[];
  /** The systemd unit that was started for it. */
  unit?: string;
}

/**
 * Removes them; what is not there any more is fine. Goes on past a failure, and throws the first one at the end. No process
 * of the sandbox may be left; those of others are put into a cgroup above.
 */
export async function removeCgroups({ own, above, unit }: SavedCgroups): Promise<void> {
  const failures: unknown[] = [];
  const attempt = async (action: () => Promise<void>): Promise<void> => {
    try {
      await action();
    } catch (error) {
      failures.push(error);
    }
  };
  // Before its unit is stopped, which would kill them.
  for (const { folder, refuge } of own) await attempt(() => removeCgroup(folder, refuge));
  if (unit !== undefined && isSystemdRunning()) await attempt(() => stopUnit(unit));
  for (const folder of above.toReversed()) removeIfEmpty(folder);
  if (failures.length > 0) throw KataError.from(failures[0]);
}
