import { syscall } from 'sys';
import { isErrno } from '../../os/errno.ts';
import { isChild } from '../../os/process.ts';
import { sleep } from '../../os/timer.ts';
import { NR } from '../../syscall/numbers.ts';
import { log } from '../log/log.ts';

const P_ALL = 0;
const P_PID = 1;
const WNOHANG = 1;
const WEXITED = 4;
const WNOWAIT = 0x01000000;
/** How long somebody who waits for a child of ours may take to fetch it, before it is looked at again: at first, at most. */
const FIRST_RETRY_MS = 2;
const LAST_RETRY_MS = 200;

let running = false;

/** The pid of a child that has ended, which stays as it is; 0 when there is none. */
function peekEnded(): number {
  const info = new Int32Array(32);
  const result = syscall(NR.waitid, P_ALL, 0, info, WEXITED | WNOHANG | WNOWAIT, null);
  return result < 0 ? 0 : info[4]!;
}

/**
 * Fetches the processes that lost their parent and were given to init, so that they don't stay as zombies. A process
 * that this agent started is left to whoever waits for it. To be called at each SIGCHLD; one round runs at a time.
 */
export async function reapOrphans(): Promise<void> {
  if (running) return;
  running = true;
  let retryMs = FIRST_RETRY_MS;
  try {
    for (let pid = peekEnded(); pid !== 0; pid = peekEnded()) {
      if (isChild(pid)) {
        // The kernel shows the first zombie only: the others are seen once this one is fetched.
        await sleep(retryMs);
        retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
        continue;
      }
      retryMs = FIRST_RETRY_MS;
      syscall(NR.waitid, P_PID, pid, null, WEXITED | WNOHANG, null);
      log.debug('reaped an orphan', { pid });
    }
  } catch (error) {
    if (!isErrno(error, 'ECHILD')) log.error('cannot reap orphans', { error });
  } finally {
    running = false;
  }
}
