import { KataError } from '../errors/kata-error.ts';

/** The states of a container's or an exec's process, as containerd's task API tells them apart. */
export type ProcessState = 'created' | 'running' | 'paused' | 'stopped';

/** From where to where. A created process that is killed, or whose VM goes, never runs. */
const TRANSITIONS: Readonly<Record<ProcessState, readonly ProcessState[]>> = {
  created: ['running', 'stopped'],
  running: ['paused', 'stopped'],
  paused: ['running', 'stopped'],
  stopped: [],
};

/** The new state; `failed-precondition` when the table has no such transition. `what` names the process. */
export function transition(what: string, from: ProcessState, to: ProcessState): ProcessState {
  if (TRANSITIONS[from].includes(to)) return to;
  const before = (Object.keys(TRANSITIONS) as ProcessState[]).filter((state) => TRANSITIONS[state].includes(to));
  throw new KataError(
    'failed-precondition',
    `${what} is ${from}, it can become ${to} only from ${before.join(' or ')}`,
  );
}
