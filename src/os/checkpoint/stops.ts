import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { NR } from '../../syscall/numbers.ts';
import { check, ERRNO } from '../errno.ts';

const P_PID = 1;
const P_PGID = 2;
const WSTOPPED = 2;
const WEXITED = 4;
const WNOWAIT = 0x1000000;
const WALL = 0x40000000;
const CLD_EXITED = 1;
const CLD_DUMPED = 3;
const PTRACE_EVENT_CLONE = 3;

/** Why a thread stopped. */
export interface Stop {
  signal: number;
  /** It has just made a thread. */
  cloned: boolean;
}

/**
 * Waits for the threads of a process that this process traces, and that is a process group of its own. It waits for
 * all of them at once: when a process is killed, its first thread ends only after the others have been fetched.
 */
export class Stops {
  readonly #pid: number;
  /** Stops of threads that nobody has waited for yet. */
  readonly #early = new Map<number, Stop>();

  constructor(pid: number) {
    this.#pid = pid;
  }

  /** Waits, blocking, until a thread has stopped. `unavailable` when the process ends instead. */
  next(tid: number): Stop {
    for (;;) {
      const early = this.#early.get(tid);
      if (early !== undefined) {
        this.#early.delete(tid);
        return early;
      }
      const info = new Int32Array(32);
      // It is looked at first: a process that ended is its owner's to fetch.
      wait(P_PGID, this.#pid, info, WSTOPPED | WEXITED | WNOWAIT);
      // struct siginfo for SIGCHLD: code at 8, pid at 16, status at 24.
      const [code, stopped] = [info[2]!, info[4]!];
      if (code >= CLD_EXITED && code <= CLD_DUMPED)
        throw new KataError('unavailable', `process ${this.#pid} is expected to stop, it ended`);
      wait(P_PID, stopped, info, WSTOPPED);
      // The signal is in the low byte of the status, an event above.
      this.#early.set(stopped, { signal: info[6]! & 0x7f, cloned: info[6]! >> 8 === PTRACE_EVENT_CLONE });
    }
  }

  /** Fetches a thread that is ending: one that is traced is not gone before, nor is its process. The first thread is its parent's. */
  fetchEnded(tid: number): void {
    if (tid !== this.#pid) syscall(NR.waitid, P_PID, tid, new Int32Array(32), WEXITED | WALL, null);
  }
}

function wait(type: number, id: number, info: Int32Array, flags: number): void {
  for (;;) {
    const result = syscall(NR.waitid, type, id, info, flags | WALL, null);
    if (result === -ERRNO.EINTR) continue;
    check(result, `wait for a thread of ${id}`);
    return;
  }
}
