import { KataError } from '../../errors/kata-error.ts';
import { SIGNAL } from '../../os/signal.ts';
import { waitForExit } from '../container-exit.ts';
import type { ContainerExit } from '../container-store.ts';
import type { ShimClient } from '../shim-client.ts';
import type { AttachedIo } from './attached-io.ts';
import type { UserSignals } from './signals.ts';
import { passKeysOn, userWindowSize } from './user-terminal.ts';

/** A process that a person is connected to. */
export interface AttachedProcess {
  shim: ShimClient;
  containerId: string;
  /** Empty for the container's first process. */
  execId: string;
  io: AttachedIo;
  signals: UserSignals;
  /** Says what could not be passed on. */
  report(message: string): void;
}

/**
 * Starts a process that was created, connected to our own streams, terminal and signals, until it has ended and all its
 * output has arrived. The terminal is put back, whatever happens.
 */
export async function runAttached(process: AttachedProcess): Promise<ContainerExit> {
  const { shim, containerId: id, execId, io, signals } = process;
  const { terminal, stdin } = io.stdio;
  const restore = terminal && stdin !== '' ? passKeysOn() : () => {};
  try {
    io.start();
    await Promise.race([shim.task.start({ id, execId }), signals.interrupted]);
    signals.forwardTo({
      signal: (signal) => sendSignal(process, signal),
      resize: () => resize(process),
      kill: () => killProcess(process),
    });
    // The window may have changed while the guest came up.
    resize(process);
    const exit = await waitForExit(shim, id, execId, process.report);
    await io.drain();
    return exit;
  } finally {
    restore();
  }
}

/** Ends it, however unwilling it is: its children with it when it is the container's first. */
export function killProcess({ shim, containerId: id, execId, report }: AttachedProcess): void {
  tolerate(shim.task.kill({ id, execId, signal: SIGNAL.KILL, all: execId === '' }), report);
}

function sendSignal({ shim, containerId: id, execId, report }: AttachedProcess, signal: number): void {
  tolerate(shim.task.kill({ id, execId, signal, all: false }), report);
}

function resize({ shim, containerId: id, execId, io, report }: AttachedProcess): void {
  const size = io.stdio.terminal ? userWindowSize() : null;
  if (size === null) return;
  tolerate(shim.task.resizePty({ id, execId, width: size.columns, height: size.rows }), report);
}

/** A process may end before what is meant for it arrives. */
function tolerate(call: Promise<unknown>, report: (message: string) => void): void {
  call.catch((error: unknown) => {
    const { code, line } = KataError.from(error);
    if (!['not-found', 'unavailable', 'cancelled', 'failed-precondition'].includes(code)) report(line);
  });
}
