import { buildCommand } from '@stricli/core';
import { containerToJson, formatContainers, type ListedContainer } from '../container-list.ts';
import { lookAtContainer } from '../container-state.ts';
import { listContainers, shortId } from '../container-store.ts';
import type { RuntimeContext } from '../context.ts';
import { format, toggle } from '../flags.ts';
import { print } from '../output.ts';

interface Flags {
  all?: boolean;
  quiet?: boolean;
  noTrunc?: boolean;
  format?: 'table' | 'json';
}

async function ps(this: RuntimeContext, flags: Flags): Promise<void> {
  const looked = await Promise.all(
    listContainers().map(async (record) => ({ record, state: await lookAtContainer(record) })),
  );
  const there = looked.filter((each): each is ListedContainer => each.state !== null);
  const shown = flags.all ? there : there.filter(({ state }) => ['running', 'paused'].includes(state.status));
  if (flags.quiet) print(shown.map(({ record }) => `${flags.noTrunc ? record.id : shortId(record.id)}\n`).join(''));
  else if (flags.format === 'json') print(`${JSON.stringify(shown.map(containerToJson), null, 2)}\n`);
  else print(formatContainers(shown, Date.now()));
}

export const psCommand = buildCommand({
  func: ps,
  docs: { brief: 'List containers' },
  parameters: {
    flags: {
      all: toggle('Also those that do not run'),
      quiet: toggle('Nothing but their ids'),
      noTrunc: toggle('Whole ids with --quiet'),
      format,
    },
    aliases: { a: 'all', q: 'quiet' },
  },
});
