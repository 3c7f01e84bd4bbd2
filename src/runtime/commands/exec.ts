import { buildCommand } from '@stricli/core';
import { findContainer } from '../container-store.ts';
import type { RuntimeContext } from '../context.ts';
import { execInContainer } from '../exec-in-container.ts';
import { text, texts, toggle } from '../flags.ts';
import { environmentOf } from './run.ts';

interface Flags {
  detach?: boolean;
  interactive?: boolean;
  tty?: boolean;
  env?: readonly string[];
  envFile?: readonly string[];
  workdir?: string;
  user?: string;
}

async function exec(this: RuntimeContext, flags: Flags, container: string, ...args: string[]): Promise<void> {
  this.exitStatus = await execInContainer(findContainer(container), {
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
    brief: 'Run a further command in a container that runs',
    customUsage: ['[FLAGS] CONTAINER COMMAND [ARGUMENT...]'],
    fullDescription:
      'Run a further command in a container that runs. It passes on the exit status of the command; 125 when kata-runtime itself failed, 126 when the command cannot be run, 127 when there is no such command.',
  },
  parameters: {
    flags: {
      detach: toggle('Leave it in the background'),
      interactive: toggle('Pass standard input to it'),
      tty: toggle('Give it a terminal'),
      env: texts('Set an environment variable; NAME alone passes on your own', 'NAME=VALUE'),
      envFile: texts('Set the environment variables that a file lists', 'FILE'),
      workdir: text('Folder in which the command runs; default: that of the container', 'FOLDER'),
      user: text('User to run as, and group: name or number; default: that of the container', 'USER[:GROUP]'),
    },
    aliases: { d: 'detach', i: 'interactive', t: 'tty', e: 'env', w: 'workdir', u: 'user' },
    positional: {
      kind: 'array',
      minimum: 2,
      parameter: {
        brief: 'The container, and behind it the command with its arguments',
        parse: String,
        placeholder: 'CONTAINER COMMAND',
      },
    },
  },
});
