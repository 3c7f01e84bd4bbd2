import { KataError } from '../../errors/kata-error.ts';

/**
 * none: no sandbox yet, or not any more; creating: `CreateSandbox` is at work; running: containers can be made;
 * destroying: `DestroySandbox` is at work.
 */
export type SandboxState = 'none' | 'creating' | 'running' | 'destroying';

/** Where each state may lead. Creating that fails leads back; destroying always ends, whatever fails on the way. */
const TRANSITIONS: Readonly<Record<SandboxState, readonly SandboxState[]>> = {
  none: ['creating'],
  creating: ['running', 'none'],
  running: ['destroying'],
  destroying: ['none'],
};

/** `to`, if `from` may lead there; else `failed-precondition`. */
export function nextState(from: SandboxState, to: SandboxState): SandboxState {
  if (TRANSITIONS[from].includes(to)) return to;
  throw new KataError('failed-precondition', `a sandbox cannot become ${to} when it is ${from}`);
}
