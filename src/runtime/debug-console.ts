import { getenv } from 'std';
import { KataError } from '../errors/kata-error.ts';
import { randomHex } from '../os/random.ts';
import { isTty } from '../os/tty.ts';
import { utf8Encode } from '../os/utf8.ts';
import type { ConsoleWindow } from '../sandbox/debug-console.ts';
import { sandboxDirectory } from '../sandbox/saved-state.ts';
import { Teardown } from '../sandbox/teardown.ts';
import { DEBUG_CONSOLE_TYPE } from '../shim/debug-console-type.ts';
import { removeExec } from './exec-in-container.ts';
import { STATUS } from './exit-status.ts';
import { complain } from './output.ts';
import { findSandbox } from './sandboxes/find-sandbox.ts';
import { connectShim } from './shim-client.ts';
import { killProcess, runAttached } from './stdio/attach-process.ts';
import { AttachedIo } from './stdio/attached-io.ts';
import { UserSignals } from './stdio/signals.ts';
import { userWindowSize } from './stdio/user-terminal.ts';

/**
 * Opens a shell in a sandbox's guest and connects it to our streams; its exit status. On a terminal it has one, else it reads
 * what is piped in. `reference`: see `matchSandbox`.
 */
export async function openDebugConsole(reference: string): Promise<number> {
  const signals = new UserSignals();
  const teardown = new Teardown(complain);
  try {
    return await open(reference, signals, teardown);
  } catch (error) {
    if (signals.signal !== 0) return 128 + signals.signal;
    complain(KataError.from(error).line);
    return STATUS.ownFailure;
  } finally {
    await teardown.run();
    signals.close();
  }
}

async function open(reference: string, signals: UserSignals, teardown: Teardown): Promise<number> {
  const { id: sandboxId, record } = findSandbox(reference);
  const id = record?.containers[0]?.id;
  if (record === null || id === undefined)
    throw new KataError('failed-precondition', `sandbox ${sandboxId} is still being made`, { hint: 'try again' });
  if (!record.debugConsole)
    throw new KataError('failed-precondition', `sandbox ${sandboxId.slice(0, 12)} has no debug console`, {
      hint: `set debug_console_enabled = true in [agent.kata] of ${record.configPath}, for sandboxes made from then on; or name a command, which runs in the container`,
    });
  const shim = await connectShim(`unix://${record.socket}`);
  teardown.add('hang up', () => shim.close());
  const execId = `console-${randomHex(8)}`;
  const terminal = isTty(0) && isTty(1);
  const io = new AttachedIo(`${sandboxDirectory(sandboxId)}/${execId}`, {
    stdin: true,
    terminal,
    onOutputLost: () => killProcess(process),
  });
  teardown.add('close the streams', () => io.close());
  const process = { shim, containerId: id, execId, io, signals, report: complain };
  await shim.task.exec({ id, execId, ...io.stdio, spec: { typeUrl: DEBUG_CONSOLE_TYPE, value: window(terminal) } });
  teardown.add('remove the console', () => removeExec(shim, id, execId));
  return (await runAttached(process)).status;
}

function window(terminal: boolean): Uint8Array {
  const size = terminal ? userWindowSize() : null;
  const term = getenv('TERM');
  const asked: Omit<ConsoleWindow, 'terminal'> = { ...(term !== undefined && { term }), ...size };
  return utf8Encode(JSON.stringify(asked));
}
