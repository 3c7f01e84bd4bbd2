import { KataError } from '../errors/kata-error.ts';
import { close, O, open, pipe, read, setNonBlocking, setPipeSize } from '../os/fd.ts';
import { type ChildProcess, spawn } from '../os/process.ts';
import { isType, S, stat } from '../os/stat.ts';
import { withTimeout } from '../os/timer.ts';

/** What containerd passes as a process's stdout or stderr: a FIFO's path, or a URI (containerd, "shim logging"). */
const OUTPUT_PIPE_BYTES = 1 << 20;
const LOGGER_READY_TIMEOUT_MS = 10_000;

/** Where output goes; -1 when nobody wants it. */
export interface OutputTarget {
  stdout: number;
  stderr: number;
  /** The logger of a `binary://` URI: it ends when its pipes do. */
  logger?: ChildProcess;
}

interface LoggerIdentity {
  containerId: string;
  namespace: string;
}

/** Opens what the two URIs name. One `binary://` logger takes both streams. Throws with the URI in the message. */
export async function openOutputs(stdout: string, stderr: string, identity: LoggerIdentity): Promise<OutputTarget> {
  if (stdout.startsWith('binary://')) return startLogger(stdout, identity);
  const out = openOutput(stdout);
  try {
    return { stdout: out, stderr: openOutput(stderr) };
  } catch (error) {
    close(out);
    throw error;
  }
}

function openOutput(uri: string): number {
  if (uri === '') return -1;
  const match = /^([a-z]+):\/\/(\/[^?]*)/.exec(uri);
  const scheme = match?.[1] ?? 'fifo';
  const path = match?.[2] ?? uri;
  if (scheme === 'file') return open(decodeURIComponent(path), O.WRONLY | O.CREAT | O.APPEND, 0o600);
  if (scheme !== 'fifo')
    throw new KataError('invalid-argument', `a FIFO, file:// or binary:// is expected for output, found ${uri}`);
  if (!isType(stat(path), S.IFIFO)) return open(path, O.WRONLY | O.APPEND | O.NONBLOCK);
  // Open both ways: opening needs no reader, and a reader that goes and comes back (containerd restarting) loses nothing.
  const fd = open(path, O.RDWR | O.NONBLOCK);
  setPipeSize(fd, OUTPUT_PIPE_BYTES);
  return fd;
}

/** A logger gets the streams as descriptors 3 and 4, and closes 5 when it is ready. */
async function startLogger(uri: string, { containerId, namespace }: LoggerIdentity): Promise<OutputTarget> {
  const [path, query = ''] = uri.slice('binary://'.length).split('?');
  const argv = [decodeURIComponent(path!)];
  for (const pair of query.split('&').filter(Boolean)) {
    const [key, value] = pair.split('=').map((part) => decodeURIComponent(part.replaceAll('+', ' ')));
    argv.push(key!);
    if (value !== undefined && value !== '') argv.push(value);
  }
  const [outRead, outWrite] = pipe();
  const [errRead, errWrite] = pipe();
  const [readyRead, readyWrite] = pipe();
  let logger: ChildProcess | undefined;
  try {
    logger = spawn(argv, {
      env: [`CONTAINER_ID=${containerId}`, `CONTAINER_NAMESPACE=${namespace}`, 'PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
      fds: new Map([
        [3, outRead],
        [4, errRead],
        [5, readyWrite],
      ]),
    });
    for (const fd of [outWrite, errWrite, readyRead]) setNonBlocking(fd);
    close(readyWrite);
    await withTimeout(
      read(readyRead, new Uint8Array(1)),
      LOGGER_READY_TIMEOUT_MS,
      `the logger ${argv[0]} is expected to close descriptor 5 when it is ready, it has not`,
    );
    return { stdout: outWrite, stderr: errWrite, logger };
  } catch (error) {
    close(outWrite);
    close(errWrite);
    logger?.kill(9);
    await logger?.wait();
    throw error;
  } finally {
    for (const fd of [outRead, errRead, readyRead]) close(fd);
    if (logger === undefined) close(readyWrite);
  }
}

/** Opens the FIFO of a process's stdin; -1 when it gets none. */
export function openInput(uri: string): number {
  if (uri === '') return -1;
  return open(uri.replace(/^fifo:\/\//, ''), O.RDONLY | O.NONBLOCK);
}
