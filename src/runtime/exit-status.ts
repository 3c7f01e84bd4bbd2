import { KataError } from '../errors/kata-error.ts';

/** Exit statuses beside the container's own, as docker's. */
export const STATUS = {
  /** A command failed that runs nothing in a container. */
  failed: 1,
  /** kata-runtime failed, not the container. */
  ownFailure: 125,
  /** The container's program is there and cannot be run. */
  cannotRun: 126,
  /** There is no such program in the container. */
  noProgram: 127,
  /** The container's process was killed, or its VM was. */
  killed: 137,
} as const;

/**
 * The exit status of `run` and `exec` when a process could not be started. The agent's messages about its program begin
 * with `exec`, as runc's.
 */
export function statusOfFailure(thrown: unknown): number {
  const { code, message } = KataError.from(thrown);
  if (!/\bexec:? ["/]/.test(message)) return STATUS.ownFailure;
  return code === 'not-found' ? STATUS.noProgram : STATUS.cannotRun;
}
