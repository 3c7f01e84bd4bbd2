import { buildApplication, buildRouteMap, text_en } from '@stricli/core';
import { KataError } from '../errors/kata-error.ts';
import { checkCommand } from './commands/check.ts';
import { directVolumeCommands } from './commands/direct-volume/direct-volume.ts';
import { envCommand } from './commands/env.ts';
import { execCommand } from './commands/exec.ts';
import { factoryCommands } from './commands/factory/factory.ts';
import { imagesCommand } from './commands/images.ts';
import { inspectCommand } from './commands/inspect.ts';
import { killCommand } from './commands/kill.ts';
import { listCommand } from './commands/list.ts';
import { logsCommand } from './commands/logs.ts';
import { psCommand } from './commands/ps.ts';
import { pullCommand } from './commands/pull.ts';
import { rmCommand } from './commands/rm.ts';
import { rmiCommand } from './commands/rmi.ts';
import { runCommand } from './commands/run.ts';
import { stateCommand } from './commands/state.ts';
import { stopCommand } from './commands/stop.ts';
import { versionCommand } from './commands/version.ts';

/** The commands behind which another command stands: flags end at the first word. */
export const RUNS_ANOTHER = { run: runCommand, exec: execCommand } as const;

const routes = buildRouteMap({
  routes: {
    ...RUNS_ANOTHER,
    ps: psCommand,
    logs: logsCommand,
    inspect: inspectCommand,
    stop: stopCommand,
    kill: killCommand,
    rm: rmCommand,
    pull: pullCommand,
    images: imagesCommand,
    rmi: rmiCommand,
    check: checkCommand,
    env: envCommand,
    list: listCommand,
    state: stateCommand,
    factory: factoryCommands,
    'direct-volume': directVolumeCommands,
    version: versionCommand,
  },
  aliases: { 'kata-check': 'check', 'kata-env': 'env' },
  docs: {
    brief: 'Containers that each run in a virtual machine of their own',
    fullDescription: `Containers that each run in a virtual machine of their own.

In front of the command:
  --config FILE      the configuration file; default: /etc/kata-containers/configuration.toml, or the one installed
  --debug            log everything
  --log-level LEVEL  what is told on standard error: error, warn (default), info, debug
  --show-default-config-paths  where the configuration file is looked for, and nothing else`,
  },
});

const lineOf = (thrown: unknown): string => `kata-runtime: ${KataError.from(thrown).line}`;

/** kata-runtime's command line. */
export const application = buildApplication(routes, {
  name: 'kata-runtime',
  scanner: { caseStyle: 'allow-kebab-for-camel', allowArgumentEscapeSequence: true },
  documentation: { disableAnsiColor: true, useAliasInUsageLine: false },
  localization: {
    text: {
      ...text_en,
      exceptionWhileParsingArguments: (error) =>
        `kata-runtime: ${text_en.exceptionWhileParsingArguments.call({ formatException: messageOf }, error, false)}`,
      exceptionWhileRunningCommand: lineOf,
      exceptionWhileLoadingCommandFunction: lineOf,
      exceptionWhileLoadingCommandContext: lineOf,
      commandErrorResult: lineOf,
      noCommandRegisteredForInput: ({ input, corrections }) =>
        `kata-runtime: there is no command ${JSON.stringify(input)}${corrections.length === 0 ? '' : `, did you mean ${corrections.join(' or ')}?`} (kata-runtime --help lists them)`,
    },
  },
});

const messageOf = (thrown: unknown): string => KataError.from(thrown).line;
