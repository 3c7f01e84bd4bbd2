import type { KataError } from '../../errors/kata-error.ts';
import type { Spec } from '../../protocols/gen/oci.ts';
import { removeOwnTree } from '../files/remove-own-tree.ts';
import { log } from '../log/log.ts';
import { bundleOf, SHARED_FOLDER } from './guest-paths.ts';
import type { Sandbox } from './sandbox.ts';

/**
 * Ends a container and takes away all that was made for it; nothing there is fine. Goes on past what fails; the
 * failures are the result.
 *
 * Unlike Kata: what is unmounted is what is really mounted, so that a container whose root never was is removed like
 * any other.
 */
export async function removeContainer(sandbox: Sandbox, id: string): Promise<KataError[]> {
  const entry = sandbox.containers.get(id);
  const failures: KataError[] = [];
  if (entry !== undefined) {
    // Out of sight first, so that nothing new is started in it.
    sandbox.containers.delete(id);
    sandbox.oomWatcher.look(id, true);
    failures.push(...(await entry.container.remove()));
    for (const record of entry.records.values()) record.process.closeStdio();
    // A pid namespace ends with its first process: nobody can be born in it any more.
    if (sandbox.pidOwner === id) {
      sandbox.pidOwner = undefined;
      failures.push(...(sandbox.namespaces?.drop('pid') ?? []));
    }
  }
  failures.push(...(await removeLeftovers(sandbox, id, entry?.storages ?? [], entry?.spec)));
  log.info('container removed', { container: id, failures: failures.length });
  return failures;
}

/** Takes away what a container leaves in the guest's file system: bundle, storages, the files that the host copied. */
export async function removeLeftovers(
  sandbox: Sandbox,
  id: string,
  storages: readonly string[],
  spec: Spec | undefined,
): Promise<KataError[]> {
  const failures = removeOwnTree(bundleOf(id));
  failures.push(...(await sandbox.storages.release(storages)));
  failures.push(...removeOwnTree(`${SHARED_FOLDER}/${id}`));
  for (const copy of copiedFiles(id, spec)) failures.push(...removeOwnTree(copy));
  return failures;
}

/** Sources of the container's mounts that the host copied for it alone: they are named after it. */
function copiedFiles(id: string, spec: Spec | undefined): string[] {
  const prefix = `${SHARED_FOLDER}/${id}-`;
  return (spec?.mounts ?? [])
    .map(({ source }) => source)
    .filter((source) => source.startsWith(prefix) && !source.slice(prefix.length).includes('/'));
}
