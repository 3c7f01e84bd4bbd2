import { buildCommand } from '@stricli/core';
import type { RuntimeContext } from '../context.ts';
import { execInContainer } from '../exec-in-container.ts';
import { findExecTarget } from '../exec-target.ts';
import { parseCount, parsed, text, texts, toggle } from '../flags.ts';
import { environmentOf } from './run.ts';

interface Flags {
  detach?: boolean;
  interactive?: boolean;
  tty?: boolean;
  env?: readonly string[];
  envFile?: readonly string[];
  workdir?: string;
  user?: string;
  kataDebugPort?: number;
}

async function exec(this: RuntimeContext, flags: Flags, container: string, ...args: string[]): Promise<void> {
  if (args.length === 0) {
    const { openDebugConsole } = await import('../debug-console.ts');
    this.exitStatus = await openDebugConsole(container);
    return;
  }
  this.exitStatus = await execInContainer(findExecTarget(container), {
    args,
    env: environmentOf(flags),
    cwd: flags.workdir,
    user: flags.user,
    stdin: flags.interactive ?? false,
    terminal: flags.tty ?? false,
    detach: flags.detach ?? false,
  });
}

export const execCommand = buildCommand({
  func: exec,
  docs: {
    brief: 'Run a further command in a container that runs; without one, open the debug console of a sandbox',
    customUsage: ['[FLAGS] CONTAINER COMMAND [ARGUMENT...]', 'SANDBOX'],
    fullDescription:
      'Run a further command in a container that runs. It passes on the exit status of the command; 125 when kata-runtime itself failed, 126 when the command cannot be run, 127 when there is no such command. Without a command, a shell of the guest itself is opened, if debug_console_enabled says so; it ends with what is piped in, or with exit.',
  },
  parameters: {
    flags: {
      detach: toggle('Leave it in the background'),
      interactive: toggle('Pass standard input to it'),
      tty: toggle('Give it a terminal'),
      env: texts('Set an environment variable; NAME alone passes on your own', 'NAME=VALUE'),
      envFile: texts('Set the environment variables that a file lists', 'FILE'),
      workdir: text('Folder in which the command runs; default: that of the container', 'FOLDER'),
      kataDebugPort: parsed(parseCount, 'As upstream; the console is reached without a port', 'PORT'),
      user: text('User to run as, and group: name or number; default: that of the container', 'USER[:GROUP]'),
    },
    aliases: { d: 'detach', i: 'interactive', t: 'tty', e: 'env', w: 'workdir', u: 'user' },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: {
        brief: 'The container, and behind it the command with its arguments; a sandbox by itself',
        parse: String,
        placeholder: 'CONTAINER COMMAND',
      },
    },
  },
});
