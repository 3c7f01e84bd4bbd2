import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { check, ERRNO } from '../../os/errno.ts';
import { close } from '../../os/fd.ts';
import { readTextIfExists } from '../../os/file.ts';
import { readable } from '../../os/loop.ts';
import { SIGNAL } from '../../os/signal.ts';
import { withTimeout } from '../../os/timer.ts';
import { NR } from '../../syscall/numbers.ts';

/** A process that another process can find again, and cannot take for one that got its number later. */
export interface SavedProcess {
  pid: number;
  /** Ticks from the machine's boot to its start: field 22 of `/proc/<pid>/stat` (proc_pid_stat(5)). */
  startTime: string;
}

/** When a process was started; null when it is gone (a zombie is gone). */
export function startTimeOf(pid: number): string | null {
  const text = readTextIfExists(`/proc/${pid}/stat`);
  if (text === null) return null;
  // The program's name stands in parentheses and may hold any of them: what follows the last one is field 3.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? null);
}

/** The process as it can be saved now; null when it is gone. */
export function saveProcess(pid: number): SavedProcess | null {
  const startTime = startTimeOf(pid);
  return startTime === null ? null : { pid, startTime };
}

/**
 * Kills a saved process and waits for its end; whether it was still there. A process that only has the same number is left
 * alone. `deadline-exceeded` when it does not end: then it hangs in the kernel.
 */
export async function killSaved({ pid, startTime }: SavedProcess, timeoutMs = 5000): Promise<boolean> {
  const pidfd = syscall(NR.pidfd_open, pid, 0);
  if (pidfd === -ERRNO.ESRCH) return false;
  check(pidfd, `look for process ${pid}`);
  try {
    // The descriptor was opened first: it means the process that is compared here, whatever happens to the number.
    if (startTimeOf(pid) !== startTime) return false;
    const result = syscall(NR.pidfd_send_signal, pidfd, SIGNAL.KILL, null, 0);
    if (result === -ERRNO.ESRCH) return false;
    check(result, `kill process ${pid}`);
    const gone = readable(pidfd);
    // It may be a child of this very process, which would have to reap it: a zombie is as good as gone.
    await withTimeout(
      gone,
      timeoutMs,
      `process ${pid} is expected to end within ${timeoutMs} ms of SIGKILL, it did not`,
    );
    return true;
  } catch (error) {
    throw KataError.wrap(error, 'end the VMM');
  } finally {
    close(pidfd);
  }
}
