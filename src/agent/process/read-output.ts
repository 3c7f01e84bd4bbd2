import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { check, ERRNO } from '../../os/errno.ts';
import { waitingBytes } from '../../os/fd.ts';
import { readable } from '../../os/loop.ts';
import { NR } from '../../syscall/numbers.ts';
import type { CallContext } from '../../ttrpc/call.ts';
import type { OutputName, ProcessRecord } from './process-record.ts';

/** The most bytes of one answer: well below ttrpc's 4 MiB, and as much as a pipe holds. */
const MAX_READ = 1 << 20;
/** A terminal's buffer in the kernel is smaller than this. */
const TERMINAL_READ = 16384;
const NOTHING = new Uint8Array(0);

/**
 * The next bytes of a process's output, at least one and at most `maxBytes`; none at the end, which is how upstream's
 * runtimes learn of it. Waits until there are some, or the caller is gone.
 */
export async function readOutput(
  record: ProcessRecord,
  output: OutputName,
  maxBytes: number,
  context: Pick<CallContext, 'cancelled' | 'isCancelled'>,
): Promise<Uint8Array> {
  const { process } = record;
  const limit = Math.min(maxBytes, MAX_READ);
  if (limit === 0) return NOTHING;
  for (;;) {
    // Asked for anew each time: it is closed under our feet when the process is forgotten.
    const fd = process.hasTerminal || output === 'stdout' ? process.stdout : process.stderr;
    const bytes = fd < 0 ? NOTHING : readNow(fd, limit, process.hasTerminal);
    if (bytes !== null) {
      if (bytes.length === 0) record.noteEnd(output);
      return bytes;
    }
    if (record.drained) {
      record.noteEnd(output);
      return NOTHING;
    }
    await Promise.race([readable(fd).catch(ignoreCancelled), context.cancelled]);
    if (context.isCancelled) throw new KataError('cancelled', 'the connection of the reader is gone');
  }
}

/** What can be read at once: none at the end, null when there is nothing yet. */
function readNow(fd: number, limit: number, terminal: boolean): Uint8Array | null {
  for (;;) {
    // As many as wait there: they are sent without a copy of ours.
    const bytes = new Uint8Array(Math.min(limit, terminal ? TERMINAL_READ : Math.max(waitingBytes(fd), 1)));
    const count = syscall(NR.read, fd, bytes, bytes.length);
    if (count === -ERRNO.EINTR) continue;
    if (count === -ERRNO.EAGAIN) return null;
    // EIO: nobody has the terminal open any more.
    if (count === -ERRNO.EIO && terminal) return NOTHING;
    check(count, 'read the output of a process');
    return count === bytes.length ? bytes : bytes.slice(0, count);
  }
}

function ignoreCancelled(error: unknown): void {
  if (!(error instanceof KataError && error.code === 'cancelled')) throw error;
}
