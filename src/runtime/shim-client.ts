import { getenviron } from 'std';
import { KataError } from '../errors/kata-error.ts';
import { readlink, readTextIfExists } from '../os/file.ts';
import { run } from '../os/process.ts';
import { SIGNAL, sendSignal } from '../os/signal.ts';
import { connectUnix } from '../os/socket.ts';
import { withTimeout } from '../os/timer.ts';
import { TaskDefinition } from '../protocols/gen/task.ts';
import { createClient, type ServiceClient, TtrpcClient } from '../ttrpc/client.ts';
import { containerDirectory } from './container-store.ts';

/** The namespace, in containerd's sense, of all that kata-runtime makes. */
const NAMESPACE = 'kata-runtime';
const START_TIMEOUT_MS = 10_000;
const CLEAN_UP_TIMEOUT_MS = 30_000;
const END_TIMEOUT_MS = 10_000;
/** A shim that has nothing left to do is gone within milliseconds. */
const LEAVE_TIMEOUT_MS = 2000;

/** The task API of one container's shim. */
export interface ShimClient {
  readonly task: ServiceClient<TaskDefinition>;
  /** Settles when the connection is over. */
  readonly closed: Promise<unknown>;
  close(): void;
}

export interface StartShimOptions {
  /** The configuration, by which the shim finds a VM that waits. */
  configPath: string;
  debug: boolean;
  /** The shim writes the moments of the start to `timeline.json` in the bundle. */
  timeline: boolean;
}

/** The shim's command line, as containerd would write it. The shim stands beside this program. */
function shimCommand(id: string, action: 'start' | 'delete', debug: boolean): string[] {
  const self = readlink('/proc/self/exe');
  const program = `${self.slice(0, self.lastIndexOf('/'))}/containerd-shim-kata-v2`;
  return [program, '-namespace', NAMESPACE, '-id', id, ...(debug ? ['-debug'] : []), action];
}

/** Our environment, which names the configuration, but nothing that leads to a containerd. */
function shimEnvironment({ configPath, timeline }: StartShimOptions): string[] {
  const own = {
    ...getenviron(),
    TTRPC_ADDRESS: undefined,
    KATA_CONF_FILE: configPath,
    KATA_TIMELINE: timeline ? '1' : undefined,
  };
  return Object.entries(own).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
}

/** Starts a shim for the container's bundle, as containerd does, and connects to it. */
export async function startShim(id: string, options: StartShimOptions): Promise<ShimClient> {
  const { status, stdout, stderr } = await run(shimCommand(id, 'start', options.debug), {
    cwd: containerDirectory(id),
    env: shimEnvironment(options),
    timeoutMs: START_TIMEOUT_MS,
  });
  if (status.code !== 0)
    throw new KataError('internal', `the shim is expected to start, it ended with ${status.code}: ${stderr.trim()}`);
  return connectShim(stdout.trim());
}

/** The shim that serves a container; null when it is gone. */
export async function findShim(id: string): Promise<ShimClient | null> {
  const address = readTextIfExists(`${containerDirectory(id)}/address`);
  return address === null ? null : connectShimIfThere(address);
}

/** The shim that listens at `unix://PATH`; null when it is gone. */
export async function connectShimIfThere(address: string): Promise<ShimClient | null> {
  try {
    return await connectShim(address);
  } catch (error) {
    const { code } = KataError.from(error);
    if (code === 'not-found' || code === 'unavailable') return null;
    throw error;
  }
}

/** Ends a shim whose work is done: it has no container any longer. Resolves when it is gone. */
export async function shutDownShim(shim: ShimClient, id: string): Promise<void> {
  await shim.task.shutdown({ id }, { timeoutMs: LEAVE_TIMEOUT_MS });
  await withTimeout(shim.closed, LEAVE_TIMEOUT_MS, `the shim of container ${id} is expected to end, it still runs`);
}

/**
 * Ends a shim in the middle of whatever it does, its VM with it, and cleans up after it. Nothing there is fine. A shim
 * does that by itself when it is asked to; one that does not is killed, and its own `delete` ends the VM.
 */
export async function endShim(id: string, shim: ShimClient | null): Promise<void> {
  if (shim !== null) await terminate(id, shim);
  await run(shimCommand(id, 'delete', false), { cwd: containerDirectory(id), timeoutMs: CLEAN_UP_TIMEOUT_MS });
}

async function terminate(id: string, shim: ShimClient): Promise<void> {
  let pid = 0;
  try {
    pid = (await shim.task.connect({ id }, { timeoutMs: LEAVE_TIMEOUT_MS })).shimPid;
    sendSignal(pid, SIGNAL.TERM);
    await withTimeout(shim.closed, END_TIMEOUT_MS, `the shim of container ${id} still runs`);
  } catch {
    // It is gone, or it hangs.
    if (pid > 0) sendSignal(pid, SIGNAL.KILL);
  }
  shim.close();
}

/** Connects to the shim that listens at `unix://PATH`. */
export async function connectShim(address: string): Promise<ShimClient> {
  const connection = new TtrpcClient(await connectUnix(address.replace(/^unix:\/\//, '')), 'the shim');
  return {
    task: createClient(TaskDefinition, connection),
    closed: connection.closed,
    close: () => connection.close(),
  };
}
