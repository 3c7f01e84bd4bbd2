import { KataError } from '../../errors/kata-error.ts';
import { listDirectory } from '../directory.ts';
import { sleep } from '../timer.ts';
import { waitsInCall } from './registers.ts';
import { Stops } from './stops.ts';
import { Tracee } from './tracee.ts';

const RETRY_MS = 5;
const ATTEMPTS = 100;

/**
 * Stops a process while all of its threads wait in system calls. A thread that is about something may hold a lock, which has
 * the id of its owner in it, and threads get new ids when they are restored. `deadline-exceeded` when it is never at rest.
 */
export async function freezeAtRest(pid: number): Promise<Tracee[]> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const tracees = freeze(pid, new Stops(pid));
    if (tracees.every((tracee) => waitsInCall(tracee.registers()))) return tracees;
    letGo(tracees);
    await sleep(RETRY_MS);
  }
  throw new KataError('deadline-exceeded', `process ${pid} is expected to come to rest, it does not`);
}

/** Stops every thread of a process, the first thread first in the result. It goes on when all have been let go of. */
function freeze(pid: number, stops: Stops): Tracee[] {
  const frozen = new Map<number, Tracee>();
  try {
    for (;;) {
      // A thread that still ran may have made another one.
      const running = listDirectory(`/proc/${pid}/task`)
        .map(Number)
        .filter((tid) => !frozen.has(tid));
      if (running.length === 0)
        return [...frozen.values()].sort((a, b) => Number(b.tid === pid) - Number(a.tid === pid));
      for (const tid of running) frozen.set(tid, Tracee.seize(tid, stops));
    }
  } catch (error) {
    letGo(frozen.values());
    throw error;
  }
}

/** Lets all go on, also when one of them is gone. */
export function letGo(tracees: Iterable<Tracee>, signal = 0): void {
  for (const tracee of tracees) {
    try {
      tracee.detach(signal);
    } catch {
      // It is ending.
      tracee.fetchEnded();
    }
  }
}
