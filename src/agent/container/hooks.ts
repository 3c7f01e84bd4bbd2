import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { check } from '../../os/errno.ts';
import { close } from '../../os/fd.ts';
import { openNamespace, setns } from '../../os/namespace.ts';
import { type RunOptions, type RunResult, run } from '../../os/process.ts';
import type { Hook, Spec } from '../../protocols/gen/oci.ts';
import { NR } from '../../syscall/numbers.ts';
import { log } from '../log/log.ts';
import type { ExecTarget } from './exec-child.ts';

/** What a hook reads from its input: the state of its container (runtime-spec, runtime.md, State). */
export interface HookState {
  ociVersion: string;
  id: string;
  status: 'creating' | 'created' | 'running' | 'stopped';
  /** None once it has ended. */
  pid?: number;
  bundle: string;
  annotations: Readonly<Record<string, string>>;
}

export function hookState(
  { id, bundle = '', spec }: { id: string; bundle?: string | undefined; spec: Spec },
  status: HookState['status'],
  pid?: number,
): HookState {
  const { version: ociVersion, annotations } = spec;
  return { ociVersion, id, status, ...(pid === undefined ? {} : { pid }), bundle, annotations };
}

/**
 * Runs hooks one after the other, in the agent's namespaces or in those of a container, where their paths are then
 * looked for. The first that fails or takes longer than its own timeout is an error.
 */
export async function runHooks(hooks: readonly Hook[], state: HookState, place?: ExecTarget): Promise<void> {
  for (const { path, args, env, timeout } of hooks) {
    const options: RunOptions = { env, stdin: JSON.stringify(state) };
    if (timeout > 0n) options.timeoutMs = Number(timeout) * 1000;
    const argv = [path, ...args.slice(1)];
    const { status, stderr } = await (place === undefined ? run(argv, options) : runInside(argv, options, place));
    if (status.code === 0) continue;
    const said = stderr.trim().split('\n').at(-1);
    throw new KataError('aborted', `the hook ${path} is expected to succeed, it ended with ${status.code}: ${said}`);
  }
}

/** As `runHooks`, but a failure is only told of and the next one runs: what they follow has happened already. */
export async function tryHooks(hooks: readonly Hook[], state: HookState): Promise<void> {
  for (const hook of hooks) {
    try {
      await runHooks([hook], state);
    } catch (error) {
      log.warn('a hook failed', { container: state.id, hook: hook.path, error });
    }
  }
}

function runInside(argv: string[], options: RunOptions, { initPidfd, namespaces }: ExecTarget): Promise<RunResult> {
  const beforeExec = (): void => {
    check(syscall(NR.setns, initPidfd, namespaces), 'enter the namespaces of the container');
  };
  const home = openNamespace('/proc/self/ns/pid');
  try {
    // For children alone; `run` has forked when it gives its promise.
    setns(initPidfd, 'pid');
    return run(argv, { ...options, beforeExec });
  } finally {
    setns(home, 'pid');
    close(home);
  }
}
