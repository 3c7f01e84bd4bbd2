import { KataError } from '../errors/kata-error.ts';
import type { Timestamp } from '../protocols/gen/google/protobuf/timestamp.ts';
import { readVmEnd } from '../shim/vm-end.ts';
import {
  type ContainerExit,
  type ContainerRecord,
  containerDirectory,
  readContainer,
  removeContainerDirectory,
  saveContainer,
  shortId,
} from './container-store.ts';
import { STATUS } from './exit-status.ts';
import { endShim, type ShimClient, shutDownShim } from './shim-client.ts';

/** Milliseconds since 1970. */
export function millisecondsOf(time: Timestamp | undefined): number {
  return time === undefined ? Date.now() : Number(time.seconds) * 1000 + Math.floor(time.nanos / 1e6);
}

/**
 * Waits until a process ends, the container's first when `execId` is empty. One whose VM or shim is gone was killed, which
 * `report` is told: nothing in the container did that.
 */
export async function waitForExit(
  shim: ShimClient,
  id: string,
  execId = '',
  report: (message: string) => void = () => {},
): Promise<ContainerExit> {
  try {
    const { exitStatus, exitedAt } = await shim.task.wait({ id, execId });
    const why = exitStatus === STATUS.killed ? readVmEnd(containerDirectory(id)) : null;
    if (why !== null) report(vmEndError(id, why).line);
    return { status: exitStatus, atMs: millisecondsOf(exitedAt) };
  } catch (error) {
    const { code } = KataError.from(error);
    if (code !== 'unavailable' && code !== 'not-found') throw error;
    report(`container ${shortId(id)} was killed: its shim is gone`);
    return { status: STATUS.killed, atMs: Date.now() };
  }
}

function vmEndError(id: string, why: string): KataError {
  const keepsLog = readContainer(id)?.autoRemove === false;
  const log = keepsLog ? `its log is ${containerDirectory(id)}/log` : 'without --rm its log is kept';
  const expected = `the VM of container ${shortId(id)} is expected to run until the container ends`;
  return new KataError('unavailable', `${expected}, ${why}`, {
    hint: `${log}; dmesg tells whether the host's memory ran out`,
  });
}

/**
 * What follows a container's end: the guest and the shim go, the record says how it ended, or goes as well
 * (`run --rm`). To be called by whoever holds the container's lock. Idempotent.
 */
export async function concludeContainer(
  record: ContainerRecord,
  shim: ShimClient | null,
  exit: ContainerExit,
): Promise<void> {
  const { id, autoRemove } = record;
  try {
    if (shim !== null) await dismissShim(id, shim);
    else await endShim(id, null);
  } finally {
    // A record that is gone was removed by force: it does not come back.
    if (autoRemove) removeContainerDirectory(id);
    else if (readContainer(id) !== null) saveContainer({ ...record, exit });
  }
}

/** Lets the shim go in order; one that does not answer as it should is ended. */
async function dismissShim(id: string, shim: ShimClient): Promise<void> {
  try {
    await shim.task.delete({ id });
    await shutDownShim(shim, id);
  } catch {
    await endShim(id, shim);
  }
  shim.close();
}
