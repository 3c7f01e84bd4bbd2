import { sandboxDirectory } from '../sandbox/saved-state.ts';
import { containerDirectory, listContainers } from './container-store.ts';
import { matchContainer } from './match-container.ts';
import { readSandboxes } from './sandboxes/read-sandboxes.ts';
import { connectShimIfThere, findShim, type ShimClient } from './shim-client.ts';

/** A container in which a further command can be run, whoever made it. */
export interface ExecTarget {
  id: string;
  name: string;
  /** Where its config.json is. */
  bundle: string;
  /** Where the streams' FIFOs are made. */
  folder: string;
  /** Its shim; null when it is gone. */
  connect(): Promise<ShimClient | null>;
}

/** The container of this name, id, or beginning of an id: one of `kata-runtime run`, or of containerd. */
export function findExecTarget(reference: string): ExecTarget {
  const own = listContainers().map(({ id, name }) => ({
    ...{ id, name, bundle: containerDirectory(id), folder: containerDirectory(id) },
    connect: () => findShim(id),
  }));
  const known = new Set(own.map(({ id }) => id));
  const others = readSandboxes().flatMap(({ id: sandboxId, record }) =>
    (record?.containers ?? [])
      .filter(({ id }) => !known.has(id))
      .map(({ id, name = '', bundle }) => ({
        ...{ id, name, bundle, folder: sandboxDirectory(sandboxId) },
        connect: () => connectShimIfThere(`unix://${record!.socket}`),
      })),
  );
  return matchContainer(reference, [...own, ...others]);
}
