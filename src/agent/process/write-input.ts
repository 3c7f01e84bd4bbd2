import { KataError } from '../../errors/kata-error.ts';
import { write } from '../../os/fd.ts';
import type { CallContext } from '../../ttrpc/call.ts';
import type { ProcessRecord } from './process-record.ts';

/**
 * Gives a process input, all of it, after what came before. Waits while its pipe is full, or until the caller is gone.
 * `unavailable` when nobody reads it any more.
 */
export async function writeInput(
  record: ProcessRecord,
  data: Uint8Array,
  context: Pick<CallContext, 'cancelled' | 'isCancelled'>,
): Promise<void> {
  const written = record.lastWrite.then(() => {
    const { stdin, pid } = record.process;
    if (stdin < 0) throw new KataError('failed-precondition', `the input of process ${pid} is closed`);
    return write(stdin, data);
  });
  record.lastWrite = written.catch(() => {});
  await Promise.race([written, context.cancelled]);
  if (context.isCancelled) throw new KataError('cancelled', 'the connection of the writer is gone');
}

/** Ends a process's input, behind what was written before. A terminal has no end of its own: it is typed. */
export async function closeInput(record: ProcessRecord): Promise<void> {
  record.lastWrite = record.lastWrite.then(() => record.process.closeStdin());
  await record.lastWrite;
}
