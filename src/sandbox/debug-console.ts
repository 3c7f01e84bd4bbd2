import { KataError } from '../errors/kata-error.ts';
import { lstatIfExists } from '../os/stat.ts';
import type { Process } from '../protocols/gen/oci.ts';
import type { AgentClient } from './agent-client.ts';
import { GUEST_SHARED } from './guest-paths.ts';
import { copyFileToGuest } from './host-files.ts';

/** A busybox is called by its name, or by that of one of its programs. */
const GUEST_SHELL = `${GUEST_SHARED}/debug-console/busybox`;
/** So busybox finds its own programs by their names. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What a person's terminal is like. */
export interface ConsoleWindow {
  terminal: boolean;
  /** The value of TERM. */
  term?: string;
  columns?: number;
  rows?: number;
}

/**
 * Brings the shell into the guest, where nothing of the kind is, and says how it is run there. `hostShell` is one static
 * program that is all of a system: busybox. Only when a console is opened does any of this cost anything.
 */
export async function prepareConsole(client: AgentClient, hostShell: string, window: ConsoleWindow): Promise<Process> {
  if (lstatIfExists(hostShell) === null)
    throw new KataError('not-found', `the debug console's shell is expected at ${hostShell}, no file is there`, {
      hint: 'set debug_console_shell in [agent.kata] to a static busybox',
    });
  await copyFileToGuest(client, hostShell, GUEST_SHELL);
  const { terminal, term = 'linux', columns = 0, rows = 0 } = window;
  return {
    terminal,
    consoleSize: columns > 0 && rows > 0 ? { width: columns, height: rows } : undefined,
    user: undefined,
    args: [GUEST_SHELL, 'sh', ...(terminal ? ['-i'] : [])],
    env: [`PATH=${PATH}`, `TERM=${term}`, 'HOME=/', 'PS1=guest:\\w# '],
    cwd: '/',
    capabilities: undefined,
    rlimits: [],
    noNewPrivileges: false,
    apparmorProfile: '',
    oomScoreAdj: 0n,
    selinuxLabel: '',
  };
}
