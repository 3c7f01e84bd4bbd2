import { KataError } from '../errors/kata-error.ts';
import { writeSync } from '../os/fd.ts';
import { removeFile } from '../os/file.ts';
import { wallClockNs } from '../os/timer.ts';
import { utf8Encode } from '../os/utf8.ts';
import { DeleteResponse } from '../protocols/gen/task.ts';
import { cleanUpSandbox } from '../sandbox/clean-up.ts';
import { checkIdentifier } from '../sandbox/identifier.ts';
import { socketPath } from './address.ts';
import type { ShimFlags } from './flags.ts';
import { ShimLog } from './log.ts';
import { timestampOf } from './timestamp.ts';

/** What is said of a container whose shim is gone: killed. */
const KILLED = 137;

/**
 * `delete` (containerd, "Shim v2", Delete): cleans up what a shim that is gone left behind, and prints a DeleteResponse.
 * Nothing to clean is fine, and a step that fails does not keep the others.
 */
export async function cleanUp(flags: ShimFlags, bundle: string): Promise<number> {
  checkIdentifier('a container', flags.id);
  const log = new ShimLog(`${bundle}/log`, { id: flags.id }, flags.debug);
  await cleanUpSandbox(flags.id, (message) => log.error(message));
  try {
    removeFile(socketPath(flags.address, flags.namespace, flags.id));
  } catch (error) {
    log.error(KataError.from(error).line);
  }
  log.close();
  const response = { pid: 0, exitStatus: KILLED, exitedAt: timestampOf(wallClockNs()) };
  writeSync(1, DeleteResponse.encode(response).finish());
  return 0;
}

/** For an error before anything is known: one line on standard error, which containerd shows. */
export function complain(error: unknown): number {
  writeSync(2, utf8Encode(`containerd-shim-kata-v2: ${KataError.from(error).line}\n`));
  return 1;
}
