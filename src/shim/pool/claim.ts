import { getenviron } from 'std';
import { KataError } from '../../errors/kata-error.ts';
import { close, readSync } from '../../os/fd.ts';
import { exists } from '../../os/file.ts';
import { connectUnixFd, type Listener } from '../../os/socket.ts';
import { fstat, isType, S } from '../../os/stat.ts';
import { Any } from '../../protocols/gen/google/protobuf/any.ts';
import type { ShimFlags } from '../flags.ts';
import { configOf } from '../options.ts';
import { askOver } from './exchange.ts';
import { type ClaimAnswer, ownNamespaces, POOLS_FOLDER, type PoolRequest } from './protocol.ts';

/** A VM that waits answers at once; a start that waits longer is better off with a VM of its own. */
const ANSWER_TIMEOUT_MS = 1000;
const MAX_OPTIONS_BYTES = 65536;

export interface Wanted {
  flags: ShimFlags;
  bundle: string;
  socketPath: string;
  listener: Listener;
  timeline: boolean;
}

/** A shim out of the pool. */
export interface Claimed {
  /** Its process; null when one may have the listener, but did not say so in time. */
  pid: number | null;
  /** Where it hears that its address was given out (`confirm`). It ends when we hang up before. */
  connection: number;
}

/**
 * Asks the pool, if there is one, for a shim whose VM waits already. Null when there is none to be had: then the caller
 * makes a shim of its own.
 */
export async function claimFromPool({ listener, ...wanted }: Wanted): Promise<Claimed | null> {
  if (!exists(POOLS_FOLDER)) return null;
  let connection = -1;
  try {
    const { factory } = configOf(runtimeOptions()).config;
    if (factory.vmCacheNumber === 0 || !exists(factory.vmCacheEndpoint)) return null;
    const environment = getenviron();
    const request: PoolRequest = { kind: 'claim', ...wanted, environment, namespaces: ownNamespaces() };
    connection = await connectUnixFd(factory.vmCacheEndpoint);
    const answer = (await askOver(connection, request, [listener.fd], ANSWER_TIMEOUT_MS)) as ClaimAnswer;
    if ('pid' in answer) return { pid: answer.pid, connection };
  } catch (error) {
    if (KataError.from(error).code === 'deadline-exceeded') return { pid: null, connection };
  }
  close(connection);
  return null;
}

/** What containerd gives a start on its standard input: the task's options, as Create will get them. */
function runtimeOptions(): Any | undefined {
  if (!isType(fstat(0), S.IFIFO)) return undefined;
  const buffer = new Uint8Array(MAX_OPTIONS_BYTES);
  let length = 0;
  for (let count = 1; count > 0 && length < buffer.length; length += count)
    count = readSync(0, buffer.subarray(length));
  return length === 0 ? undefined : Any.decode(buffer.subarray(0, length));
}
