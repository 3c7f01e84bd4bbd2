import { KataError } from '../errors/kata-error.ts';
import { userOf } from '../oci/image-to-spec.ts';
import type { OciProcess, OciSpec } from '../oci/spec.ts';
import { readText } from '../os/file.ts';
import { randomHex } from '../os/random.ts';
import { SIGNAL } from '../os/signal.ts';
import { utf8Encode } from '../os/utf8.ts';
import { Teardown } from '../sandbox/teardown.ts';
import type { Stdio } from '../shim/process-io.ts';
import { notRunning } from './container-actions.ts';
import type { ExecTarget } from './exec-target.ts';
import { statusOfFailure } from './exit-status.ts';
import { complain } from './output.ts';
import { mergeEnvironment } from './parse/environment.ts';
import type { ShimClient } from './shim-client.ts';
import { killProcess, runAttached } from './stdio/attach-process.ts';
import { AttachedIo } from './stdio/attached-io.ts';
import { UserSignals } from './stdio/signals.ts';
import { requireTerminal, userWindowSize } from './stdio/user-terminal.ts';

/** What `exec` was asked for. */
export interface ExecRequest {
  args: readonly string[];
  /** Each `NAME=value`, stronger than the container's. */
  env: readonly string[];
  /** Default: the container's. */
  cwd: string | undefined;
  user: string | undefined;
  stdin: boolean;
  terminal: boolean;
  detach: boolean;
}

/** containerd's name for an OCI process in JSON. */
const PROCESS_TYPE = 'types.containerd.io/opencontainers/runtime-spec/1/Process';

/** Runs a further process in a container; the exit status for the shell, its own unless it is detached. */
export async function execInContainer(target: ExecTarget, request: ExecRequest): Promise<number> {
  const signals = new UserSignals();
  const teardown = new Teardown(complain);
  try {
    if (!request.detach) requireTerminal(request);
    const shim = await target.connect();
    if (shim === null) throw notRunning(target);
    teardown.add('hang up', () => shim.close());
    const status = await run(target, request, shim, signals, teardown);
    return status;
  } catch (error) {
    if (signals.signal !== 0) return 128 + signals.signal;
    complain(KataError.from(error).line);
    return statusOfFailure(error);
  } finally {
    await teardown.run();
    signals.close();
  }
}

async function run(
  target: ExecTarget,
  request: ExecRequest,
  shim: ShimClient,
  signals: UserSignals,
  teardown: Teardown,
): Promise<number> {
  const { id, bundle, folder } = target;
  const execId = randomHex(8);
  const spec = JSON.parse(readText(`${bundle}/config.json`)) as OciSpec;
  const value = utf8Encode(JSON.stringify(execProcess(spec.process!, request)));
  const add = (stdio: Stdio) =>
    shim.task.exec({ id, execId, ...stdio, spec: { typeUrl: PROCESS_TYPE, value } }).catch((error: unknown) => {
      throw KataError.from(error).code === 'not-found' ? notRunning(target) : error;
    });
  if (request.detach) {
    await add({ stdin: '', stdout: '', stderr: '', terminal: request.terminal });
    await shim.task.start({ id, execId });
    return 0;
  }
  const io = new AttachedIo(`${folder}/exec-${execId}`, {
    stdin: request.stdin,
    terminal: request.terminal,
    onOutputLost: () => killProcess(process),
  });
  const process = { shim, containerId: id, execId, io, signals, report: complain };
  teardown.add('close the streams', () => io.close());
  await add(io.stdio);
  teardown.add('remove the exec', () => removeExec(shim, id, execId));
  const exit = await runAttached(process);
  return exit.status;
}

/** Also of one that still runs, because something went wrong here. */
export async function removeExec(shim: ShimClient, id: string, execId: string): Promise<void> {
  try {
    await shim.task.delete({ id, execId });
  } catch (error) {
    const { code } = KataError.from(error);
    if (code === 'not-found' || code === 'unavailable') return;
    await shim.task.kill({ id, execId, signal: SIGNAL.KILL });
    await shim.task.wait({ id, execId });
    await shim.task.delete({ id, execId });
  }
}

function execProcess(own: OciProcess, { args, env, cwd, user, terminal }: ExecRequest): OciProcess {
  const { consoleSize: _, ...rest } = own;
  const size = terminal ? userWindowSize() : null;
  const term = terminal && !(own.env ?? []).some((variable) => variable.startsWith('TERM=')) ? ['TERM=xterm'] : [];
  return {
    ...rest,
    args: [...args],
    env: mergeEnvironment([...(own.env ?? []), ...term], env),
    cwd: cwd ?? own.cwd,
    terminal,
    ...(user === undefined ? {} : { user: userOf(user) }),
    ...(size === null ? {} : { consoleSize: { height: size.rows, width: size.columns } }),
  };
}
