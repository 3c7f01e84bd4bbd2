import { buildCommand } from '@stricli/core';
import { getenviron } from 'std';
import { readText } from '../../os/file.ts';
import type { RuntimeContext } from '../context.ts';
import { parsed, text, texts, toggle } from '../flags.ts';
import { annotationsOf } from '../parse/annotations.ts';
import { parseContainerName } from '../parse/container-name.ts';
import { parseCpus } from '../parse/cpus.ts';
import { mergeEnvironment, parseVariable, parseVariables } from '../parse/environment.ts';
import { parseMemorySize } from '../parse/memory-size.ts';
import { parseVolume } from '../parse/volume.ts';
import { runContainer } from '../run-container.ts';

interface Flags {
  detach?: boolean;
  interactive?: boolean;
  tty?: boolean;
  rm?: boolean;
  readOnly?: boolean;
  timeline?: boolean;
  quiet?: boolean;
  name?: string;
  env?: readonly string[];
  envFile?: readonly string[];
  workdir?: string;
  user?: string;
  entrypoint?: string;
  hostname?: string;
  memory?: number;
  cpus?: number;
  volume?: readonly string[];
  annotation?: readonly string[];
}

/** The variables of `--env-file` and `--env`, the latter stronger. */
export function environmentOf(flags: Pick<Flags, 'env' | 'envFile'>): string[] {
  const own = getenviron();
  const files = (flags.envFile ?? []).flatMap((path) => parseVariables(readText(path), own));
  return mergeEnvironment(
    files,
    (flags.env ?? []).flatMap((variable) => parseVariable(variable, own)),
  );
}

async function run(this: RuntimeContext, flags: Flags, image: string, ...args: string[]): Promise<void> {
  this.exitStatus = await runContainer(
    {
      image,
      options: {
        args,
        env: environmentOf(flags),
        entrypoint: flags.entrypoint,
        cwd: flags.workdir,
        user: flags.user,
        hostname: flags.hostname,
        terminal: flags.tty,
        readOnly: flags.readOnly,
        memoryMib: flags.memory === undefined ? undefined : Math.floor(flags.memory / 2 ** 20),
        cpus: flags.cpus,
        mounts: (flags.volume ?? []).map(parseVolume),
        annotations: annotationsOf(flags.annotation),
      },
      name: flags.name,
      detach: flags.detach ?? false,
      stdin: flags.interactive ?? false,
      autoRemove: flags.rm ?? false,
      timeline: flags.timeline ?? false,
      quiet: flags.quiet ?? false,
    },
    this.global,
    this.sinceMs,
  );
}

export const runCommand = buildCommand({
  func: run,
  docs: {
    brief: 'Run a container in a VM of its own',
    customUsage: ['[FLAGS] IMAGE [COMMAND [ARGUMENT...]]'],
    fullDescription:
      'Run a container in a VM of its own. What follows the image is the command, which replaces that of the image. It passes on the exit status of the container; 125 when kata-runtime itself failed, 126 when the command cannot be run, 127 when there is no such command.',
  },
  parameters: {
    flags: {
      detach: toggle('Leave it in the background and print its id'),
      interactive: toggle('Pass standard input to it'),
      tty: toggle('Give it a terminal'),
      rm: toggle('Remove it when it ends'),
      name: parsed(parseContainerName, 'Name it; default: a name at random', 'NAME'),
      env: texts('Set an environment variable; NAME alone passes on your own', 'NAME=VALUE'),
      envFile: texts('Set the environment variables that a file lists', 'FILE'),
      workdir: text('Folder in which the command runs; default: that of the image', 'FOLDER'),
      user: text('User to run as, and group: name or number; default: that of the image', 'USER[:GROUP]'),
      entrypoint: text('Program instead of the entrypoint of the image', 'PROGRAM'),
      hostname: text('Name of the host in the container; default: its id', 'NAME'),
      memory: parsed(parseMemorySize, 'Limit of memory, such as 512m', 'SIZE'),
      cpus: parsed(parseCpus, 'Limit of processor time, such as 1.5', 'NUMBER'),
      readOnly: toggle('Let nothing be written to the root'),
      volume: texts('Copy a file or folder of the host into it; :ro makes it read-only', 'SOURCE:TARGET[:ro]'),
      annotation: texts(
        'Annotate it, as a pod is, such as io.katacontainers.config.hypervisor.default_memory=512',
        'NAME=VALUE',
      ),
      timeline: toggle('Tell in the end when what happened'),
      quiet: toggle('Fetch the image without showing progress'),
    },
    aliases: {
      d: 'detach',
      i: 'interactive',
      t: 'tty',
      e: 'env',
      w: 'workdir',
      u: 'user',
      m: 'memory',
      v: 'volume',
      q: 'quiet',
    },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: {
        brief: 'The image, and behind it the command with its arguments',
        parse: String,
        placeholder: 'IMAGE',
      },
    },
  },
});
