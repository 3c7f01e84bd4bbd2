import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { check } from '../../os/errno.ts';
import { close, O, open, writeSync } from '../../os/fd.ts';
import { utf8Encode } from '../../os/utf8.ts';
import { NR } from '../../syscall/numbers.ts';
import type { AgentClient } from '../agent-client.ts';
import type { SandboxLog } from '../sandbox-log.ts';

/** By which the agent knows which of a container's mounts it is. */
export const TERMINATION_PATH_ANNOTATION = 'io.kubernetes.container.terminationMessagePath';
/** Kubernetes shows no more. */
const MAX_BYTES = 4096;
/** A guest must not hold back the news of a container's end. */
const TIMEOUT_MS = 2000;

/**
 * Writes what a container has left as the reason of its end to the host's file, where kubelet reads it. Never throws:
 * whoever waits for the end must hear of it.
 */
export async function fetchTerminationLog(
  client: AgentClient,
  containerId: string,
  hostPath: string,
  log: SandboxLog,
): Promise<void> {
  try {
    const request = { logType: 'termination_log', containerId };
    const { data } = await client.agent.getDiagnosticData(request, { timeoutMs: TIMEOUT_MS });
    overwrite(hostPath, utf8Encode(data).subarray(0, MAX_BYTES));
  } catch (error) {
    log.warning(`the termination log of container ${containerId} is lost: ${KataError.from(error).line}`);
  }
}

/** In place: kubelet has the file by its name, a container of another runtime would have it mounted. */
function overwrite(path: string, bytes: Uint8Array): void {
  const fd = open(path, O.WRONLY | O.NOFOLLOW);
  try {
    writeSync(fd, bytes);
    check(syscall(NR.ftruncate, fd, bytes.length), `set the length of ${path}`);
  } finally {
    close(fd);
  }
}
