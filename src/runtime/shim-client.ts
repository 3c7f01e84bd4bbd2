import { KataError } from '../errors/kata-error.ts';
import { readlink, readTextIfExists } from '../os/file.ts';
import { run } from '../os/process.ts';
import { connectUnix } from '../os/socket.ts';
import { TaskDefinition } from '../protocols/gen/task.ts';
import { createClient, type ServiceClient, TtrpcClient } from '../ttrpc/client.ts';
import { containerDirectory } from './container-store.ts';

/** The namespace, in containerd's sense, of all that kata-runtime makes. */
const NAMESPACE = 'kata-runtime';
const START_TIMEOUT_MS = 10_000;

/** The task API of one container's shim. */
export interface ShimClient extends Disposable {
  task: ServiceClient<typeof TaskDefinition>;
  /** Settles when the shim hung up. */
  closed: Promise<unknown>;
  close(): void;
}

/** The shim's command line, as containerd would write it. The shim stands beside this program. */
function shimCommand(id: string, action: 'start' | 'delete', debug: boolean): string[] {
  const self = readlink('/proc/self/exe');
  const program = `${self.slice(0, self.lastIndexOf('/'))}/containerd-shim-kata-v2`;
  return [program, '-namespace', NAMESPACE, '-id', id, ...(debug ? ['-debug'] : []), action];
}

/** Starts a shim for the container's bundle, as containerd does, and connects to it. */
export async function startShim(id: string, options: { debug: boolean; env: readonly string[] }): Promise<ShimClient> {
  const directory = containerDirectory(id);
  const { status, stdout, stderr } = await run(shimCommand(id, 'start', options.debug), {
    cwd: directory,
    env: options.env,
    timeoutMs: START_TIMEOUT_MS,
  });
  if (status.code !== 0)
    throw new KataError('internal', `the shim is expected to start, it ended with ${status.code}: ${stderr.trim()}`);
  return connectShim(stdout.trim());
}

/** The shim that serves a container; null when it is gone. */
export async function findShim(id: string): Promise<ShimClient | null> {
  const address = readTextIfExists(`${containerDirectory(id)}/address`);
  if (address === null) return null;
  try {
    return await connectShim(address);
  } catch (error) {
    const { code } = KataError.from(error);
    if (code === 'not-found' || code === 'unavailable') return null;
    throw error;
  }
}

/** Cleans up after a shim that is gone, by its own `delete`. */
export async function cleanUpShim(id: string): Promise<void> {
  await run(shimCommand(id, 'delete', false), { cwd: containerDirectory(id), timeoutMs: START_TIMEOUT_MS });
}

async function connectShim(address: string): Promise<ShimClient> {
  const connection = new TtrpcClient(await connectUnix(address.replace(/^unix:\/\//, '')), 'the shim');
  const close = () => connection.close();
  return { task: createClient(TaskDefinition, connection), closed: connection.closed, close, [Symbol.dispose]: close };
}
