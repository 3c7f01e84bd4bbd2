import { KataError } from '../errors/kata-error.ts';
import { close } from '../os/fd.ts';
import { Status } from '../protocols/gen/containerd-task-types.ts';
import { concludeContainer, millisecondsOf } from './container-exit.ts';
import { isWatched, tryLockContainer } from './container-lock.ts';
import { type ContainerExit, type ContainerRecord, readContainer } from './container-store.ts';
import { STATUS } from './exit-status.ts';
import { findShim, type ShimClient } from './shim-client.ts';

/** `creating`: its VM boots. `created`: it is there and does not run yet. */
export type ContainerStatus = 'creating' | 'created' | 'running' | 'paused' | 'exited';

export interface ContainerState {
  status: ContainerStatus;
  /** Of its first process, by the guest's numbers; 0 when it does not run. */
  pid: number;
  exit?: ContainerExit;
}

const STATES: Readonly<Partial<Record<Status, ContainerStatus>>> = {
  [Status.CREATED]: 'created',
  [Status.RUNNING]: 'running',
  [Status.PAUSED]: 'paused',
  [Status.PAUSING]: 'paused',
};

/** Answers of a shim that serves come within milliseconds; one that creates a container answers too. */
const STATE_TIMEOUT_MS = 5000;

/**
 * How a container is now; null when it is gone. One that ended without anybody watching, and one whose shim was killed,
 * is concluded on the way: its VM goes and its record says how it ended.
 */
export async function lookAtContainer(record: ContainerRecord): Promise<ContainerState | null> {
  if (record.exit !== undefined) return { status: 'exited', pid: 0, exit: record.exit };
  const shim = await findShim(record.id);
  try {
    const seen = shim === null ? 'gone' : await askShim(record.id, shim);
    if (typeof seen === 'object' && seen.status !== 'exited') return seen;
    if (isWatched(record.id)) {
      // It is being made, or being concluded.
      const now = readContainer(record.id);
      if (now === null) return null;
      return now.exit === undefined ? unsettled(seen) : { status: 'exited', pid: 0, exit: now.exit };
    }
    return await settle(record, shim, typeof seen === 'object' ? seen.exit : undefined);
  } finally {
    shim?.close();
  }
}

function unsettled(seen: ContainerState | 'gone' | 'no task'): ContainerState {
  return typeof seen === 'object' ? seen : { status: 'creating', pid: 0 };
}

async function askShim(id: string, shim: ShimClient): Promise<ContainerState | 'gone' | 'no task'> {
  try {
    const { status, pid, exitStatus, exitedAt } = await shim.task.state({ id }, { timeoutMs: STATE_TIMEOUT_MS });
    const known = STATES[status];
    if (known !== undefined) return { status: known, pid };
    return { status: 'exited', pid: 0, exit: { status: exitStatus, atMs: millisecondsOf(exitedAt) } };
  } catch (error) {
    const { code } = KataError.from(error);
    if (code === 'not-found') return 'no task';
    if (code === 'unavailable') return 'gone';
    throw error;
  }
}

async function settle(
  record: ContainerRecord,
  shim: ShimClient | null,
  seen: ContainerExit | undefined,
): Promise<ContainerState | null> {
  const lock = tryLockContainer(record.id);
  if (lock === null) return lookAgain(record.id);
  try {
    const exit = seen ?? { status: STATUS.killed, atMs: Date.now() };
    await concludeContainer(record, shim, exit);
    return record.autoRemove ? null : { status: 'exited', pid: 0, exit };
  } finally {
    close(lock);
  }
}

/** Somebody else concludes it just now. */
function lookAgain(id: string): ContainerState | null {
  const now = readContainer(id);
  if (now === null) return null;
  return { status: 'exited', pid: 0, exit: now.exit ?? { status: STATUS.killed, atMs: Date.now() } };
}
