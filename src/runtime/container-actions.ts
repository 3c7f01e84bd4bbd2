import { KataError } from '../errors/kata-error.ts';
import { close } from '../os/fd.ts';
import { SIGNAL } from '../os/signal.ts';
import { monotonicMs, sleep, withTimeout } from '../os/timer.ts';
import { waitForExit } from './container-exit.ts';
import { tryLockContainer } from './container-lock.ts';
import { lookAtContainer } from './container-state.ts';
import { type ContainerRecord, readContainer, removeContainerDirectory, shortId } from './container-store.ts';
import { endShim, findShim, type ShimClient } from './shim-client.ts';

/** Whoever watches over a container that was ended takes no longer to clean up after it. */
const CONCLUDE_TIMEOUT_MS = 30_000;
const POLL_MS = 10;

/** Sends a signal to the first process of a container that runs. */
export async function killContainer(record: ContainerRecord, signal: number): Promise<void> {
  const shim = await runningShim(record);
  try {
    await shim.task.kill({ id: record.id, signal });
    if (signal === SIGNAL.KILL) {
      await waitForExit(shim, record.id);
      await concluded(record.id);
    }
  } catch (error) {
    throw KataError.from(error).code === 'not-found' ? notRunning(record) : error;
  } finally {
    shim.close();
  }
}

/** Asks a container to end by its stop signal, and kills it when it still runs after `graceMs`. One that ended is fine. */
export async function stopContainer(record: ContainerRecord, graceMs: number): Promise<void> {
  const state = await lookAtContainer(record);
  if (state === null || state.status === 'exited') return;
  if (state.status === 'creating') throw notRunning(record, 'kata-runtime rm -f ends one that is being made');
  const shim = await runningShim(record);
  const { id } = record;
  try {
    const exited = waitForExit(shim, id);
    exited.catch(() => {});
    if (state.status === 'paused') await shim.task.resume({ id });
    await shim.task.kill({ id, signal: record.stopSignal });
    try {
      await withTimeout(exited, graceMs, 'it still runs');
    } catch (error) {
      if (KataError.from(error).code !== 'deadline-exceeded') throw error;
      await shim.task.kill({ id, signal: SIGNAL.KILL, all: true });
      await exited;
    }
    await concluded(id);
  } finally {
    shim.close();
  }
}

/** Removes a container, by force also one that runs. One that is gone is fine. */
export async function removeContainer(record: ContainerRecord, force: boolean): Promise<void> {
  const state = await lookAtContainer(record);
  if (state === null) return;
  const { id } = record;
  if (state.status !== 'exited' && !force)
    throw new KataError(
      'failed-precondition',
      `container ${record.name} (${shortId(id)}) is ${state.status}, one that ended is expected`,
      { hint: `kata-runtime stop ${record.name}, or rm -f` },
    );
  const isCreating = state.status === 'creating';
  // One that is being made may not have its shim yet.
  let isEnded = state.status === 'exited';
  const end = async (): Promise<void> => {
    const shim = isEnded ? null : await findShim(id);
    isEnded ||= shim !== null || !isCreating;
    if (shim !== null) await endByForce(id, shim, isCreating);
  };
  await end();
  const lock = await takeOver(id, end);
  if (lock === null) return;
  try {
    await endShim(id, await findShim(id));
    removeContainerDirectory(id);
  } finally {
    close(lock);
  }
}

async function endByForce(id: string, shim: ShimClient, creating: boolean): Promise<void> {
  if (creating) return endShim(id, shim);
  try {
    await shim.task.kill({ id, signal: SIGNAL.KILL, all: true });
  } catch (error) {
    const { code } = KataError.from(error);
    if (code !== 'not-found' && code !== 'unavailable') throw error;
  } finally {
    shim.close();
  }
}

/**
 * The container's lock once its watcher, if it has one, is done; null when the container went with it. `meanwhile` is called
 * as long as it is not.
 */
async function takeOver(id: string, meanwhile = async (): Promise<void> => {}): Promise<number | null> {
  const start = monotonicMs();
  for (;;) {
    const lock = tryLockContainer(id);
    if (lock !== null && readContainer(id) !== null) return lock;
    if (lock !== null) close(lock);
    if (readContainer(id) === null) return null;
    if (monotonicMs() - start > CONCLUDE_TIMEOUT_MS)
      throw new KataError(
        'deadline-exceeded',
        `container ${shortId(id)} is expected to be cleaned up by the kata-runtime that runs it, it is not`,
        { hint: 'end that process, then kata-runtime rm -f again' },
      );
    await sleep(POLL_MS);
    await meanwhile();
  }
}

/** Waits until the record of a container that ended says so, or is gone; without a watcher that is done here. */
async function concluded(id: string): Promise<void> {
  const lock = await takeOver(id);
  if (lock === null) return;
  close(lock);
  const record = readContainer(id);
  if (record !== null) await lookAtContainer(record);
}

async function runningShim(record: ContainerRecord): Promise<ShimClient> {
  const shim = record.exit === undefined ? await findShim(record.id) : null;
  if (shim === null) throw notRunning(record);
  return shim;
}

export function notRunning(
  { id, name }: Pick<ContainerRecord, 'id' | 'name'>,
  hint = 'kata-runtime ps -a says how it ended',
): KataError {
  const called = name === '' ? shortId(id) : `${name} (${shortId(id)})`;
  return new KataError('failed-precondition', `container ${called} is expected to run, it does not`, { hint });
}
