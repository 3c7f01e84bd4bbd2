import { run } from '@stricli/core';
import { defaultConfigPaths } from '../config/load.ts';
import { KataError } from '../errors/kata-error.ts';
import { readlink } from '../os/file.ts';
import { ignoreSignal, SIGNAL } from '../os/signal.ts';
import { monotonicMs } from '../os/timer.ts';
import { application, RUNS_ANOTHER } from './application.ts';
import { endFlagsAtFirstWord } from './arguments.ts';
import type { RuntimeContext } from './context.ts';
import { STATUS } from './exit-status.ts';
import { takeGlobalOptions } from './global-options.ts';
import { complain, print, tell } from './output.ts';
import { requireRoot } from './require-root.ts';

/** Help, the version, and what only looks at the host are for everybody. */
const NEEDS_NO_ROOT = /^(version|(kata-)?(check|env)|-.*)?$/;

/** kata-runtime: its exit status. */
export async function runtimeMain(argv: readonly string[]): Promise<number> {
  const sinceMs = monotonicMs();
  // A shim that is gone, a reader that has enough: an error where it is written, not our end.
  ignoreSignal(SIGNAL.PIPE);
  try {
    const { options: global, rest } = takeGlobalOptions(argv);
    if (global.showDefaultConfigPaths) {
      print(
        defaultConfigPaths(readlink('/proc/self/exe'))
          .map((path) => `${path}\n`)
          .join(''),
      );
      return 0;
    }
    const process = { stdout: { write: print }, stderr: { write: tell } };
    const context: RuntimeContext & { process: { exitCode?: number | string | null } } = {
      process,
      global,
      sinceMs,
      exitStatus: 0,
    };
    const [command = ''] = rest;
    if (!NEEDS_NO_ROOT.test(command) && !rest.includes('--help') && !rest.includes('-h')) requireRoot(command);
    await run(application, ordered(rest), context);
    const status = Number(context.process.exitCode ?? 0);
    if (status === 0) return context.exitStatus;
    // What stricli counts below zero are mistakes in the command line; a command that threw is 1.
    return status === 1 && !Object.hasOwn(RUNS_ANOTHER, command) ? STATUS.failed : STATUS.ownFailure;
  } catch (error) {
    complain(KataError.from(error).line);
    return STATUS.ownFailure;
  }
}

function ordered([command = '', ...words]: readonly string[]): string[] {
  if (command === '') return [];
  if (command === '--version') return ['version'];
  if (command !== 'run' && command !== 'exec') return [command, ...words];
  return [command, ...endFlagsAtFirstWord(words, RUNS_ANOTHER[command].parameters)];
}
