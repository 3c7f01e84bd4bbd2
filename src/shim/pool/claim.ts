import { getenviron } from 'std';
import { KataError } from '../../errors/kata-error.ts';
import { readSync } from '../../os/fd.ts';
import { exists } from '../../os/file.ts';
import type { Listener } from '../../os/socket.ts';
import { fstat, isType, S } from '../../os/stat.ts';
import { Any } from '../../protocols/gen/google/protobuf/any.ts';
import type { ShimFlags } from '../flags.ts';
import { configOf } from '../options.ts';
import { ask } from './exchange.ts';
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

/**
 * Asks the pool, if there is one, for a shim whose VM waits already; its process. Null when there is none to be had: then
 * the caller makes a shim of its own. `unsure` when it may have the listener, but did not answer in time.
 */
export async function claimFromPool({ listener, ...wanted }: Wanted): Promise<number | 'unsure' | null> {
  if (!exists(POOLS_FOLDER)) return null;
  try {
    const { factory } = configOf(runtimeOptions()).config;
    if (factory.vmCacheNumber === 0 || !exists(factory.vmCacheEndpoint)) return null;
    const environment = getenviron();
    const request: PoolRequest = { kind: 'claim', ...wanted, environment, namespaces: ownNamespaces() };
    const answer = (await ask(factory.vmCacheEndpoint, request, [listener.fd], ANSWER_TIMEOUT_MS)) as ClaimAnswer;
    return 'pid' in answer ? answer.pid : null;
  } catch (error) {
    return KataError.from(error).code === 'deadline-exceeded' ? 'unsure' : null;
  }
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
