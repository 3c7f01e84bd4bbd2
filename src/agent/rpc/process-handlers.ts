import { KataError } from '../../errors/kata-error.ts';
import { isErrno } from '../../os/errno.ts';
import { SIGNAL } from '../../os/signal.ts';
import { DebugConsole } from '../console/debug-console.ts';
import { readOutput } from '../process/read-output.ts';
import { closeInput, writeInput } from '../process/write-input.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { SomeHandlers } from './handlers.ts';

type Name =
  | 'execProcess'
  | 'signalProcess'
  | 'waitProcess'
  | 'writeStdin'
  | 'readStdout'
  | 'readStderr'
  | 'closeStdin'
  | 'ttyWinResize';

/** Processes of containers, and their input and output. */
export function processHandlers(sandbox: Sandbox): SomeHandlers<Name> {
  return {
    async execProcess({ containerId, execId, process, stringUser }) {
      const entry = sandbox.owner(containerId);
      if (process === undefined)
        throw new KataError('invalid-argument', `exec ${execId} is expected to have a process`);
      if (execId === '') throw new KataError('invalid-argument', 'an exec is expected to have an id');
      if (entry.has(execId))
        throw new KataError('already-exists', `container ${containerId} already has a process ${execId}`);
      const started = await entry.container.exec({ execId, process, stringUser });
      entry.addExec(started);
      return { pid: started.pid };
    },

    signalProcess({ containerId, execId, signal }) {
      const entry = sandbox.owner(containerId);
      // No exec id and SIGKILL is how upstream's runtimes say: every process of the container.
      if (execId === '' && signal === SIGNAL.KILL) {
        entry.container.signalAll(signal);
        return;
      }
      entry.record(execId);
      try {
        entry.container.signal(entry.execIdOf(execId), signal);
      } catch (error) {
        // It has just ended, which is what most signals are for.
        if (!isErrno(error, 'ESRCH')) throw error;
      }
    },

    async waitProcess({ containerId, execId }, context) {
      const record = sandbox.owner(containerId).record(execId);
      const ended = await Promise.race([record.exited, context.cancelled]);
      if (ended === undefined) throw new KataError('cancelled', 'the connection of the caller is gone');
      // The kernel tells of a container that ran out of memory before its process ends; so do we.
      sandbox.oomWatcher.look(containerId);
      record.noteWaited();
      return { status: ended.code };
    },

    async writeStdin({ containerId, execId, data }, context) {
      const record = sandbox.owner(containerId).record(execId);
      if (data.length === 0) await closeInput(record);
      else await writeInput(record, data, context);
      return { len: data.length };
    },

    async readStdout({ containerId, execId, len }, context) {
      const record = sandbox.owner(containerId).record(execId);
      return { data: await readOutput(record, 'stdout', len, context) };
    },

    async readStderr({ containerId, execId, len }, context) {
      const record = sandbox.owner(containerId).record(execId);
      return { data: await readOutput(record, 'stderr', len, context) };
    },

    async closeStdin({ containerId, execId }) {
      const owner = sandbox.owner(containerId);
      await closeInput(owner.record(execId));
      if (owner instanceof DebugConsole) owner.hangUp(execId);
    },

    ttyWinResize({ containerId, execId, row, column }) {
      sandbox.owner(containerId).record(execId).process.resize({ rows: row, columns: column });
    },
  };
}
