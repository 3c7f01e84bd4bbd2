import { syscall } from 'sys';
import { KataError } from '../errors/kata-error.ts';
import { check } from '../os/errno.ts';
import { close, moveTo, O, open } from '../os/fd.ts';
import { writeFile } from '../os/file.ts';
import { resetAfterFork } from '../os/loop.ts';
import { exitNow, fork } from '../os/process.ts';
import { ignoreSignal, resetSignals, SIGNAL } from '../os/signal.ts';
import { NR } from '../syscall/numbers.ts';
import { concludeContainer, waitForExit } from './container-exit.ts';
import { type ContainerRecord, containerDirectory } from './container-store.ts';
import { STATUS } from './exit-status.ts';
import { findShim } from './shim-client.ts';

/**
 * Leaves a process behind that waits for a detached container's end, and then lets its VM go. It keeps the container's
 * lock, which was taken before, and the writing end of its input open, so that a container of `-d -i` sees no end of it.
 */
export async function watchDetached(record: ContainerRecord, lock: number): Promise<void> {
  const forked = fork();
  if (forked !== null) {
    close(forked.pidfd);
    return;
  }
  detach();
  watch(record)
    .catch((error: unknown) => {
      writeFile(`${containerDirectory(record.id)}/watch-error`, `${KataError.from(error).line}\n`, 0o600);
    })
    .finally(() => {
      close(lock);
      exitNow(0);
    });
  // What follows in the caller is the parent's.
  await new Promise(() => {});
}

async function watch(record: ContainerRecord): Promise<void> {
  const shim = await findShim(record.id);
  const exit = shim === null ? { status: STATUS.killed, atMs: Date.now() } : await waitForExit(shim, record.id);
  await concludeContainer(record, shim, exit);
}

/** A session of its own, deaf to the terminal that started it, holding no stream that somebody waits for. */
function detach(): void {
  resetAfterFork();
  resetSignals();
  ignoreSignal(SIGNAL.PIPE);
  check(syscall(NR.setsid), 'start a session');
  check(syscall(NR.chdir, '/'), 'enter /');
  const nothing = open('/dev/null', O.RDWR);
  for (const fd of [0, 1, 2]) moveTo(nothing, fd);
  close(nothing);
}
