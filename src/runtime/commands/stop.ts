import { buildCommand } from '@stricli/core';
import { stopContainer } from '../container-actions.ts';
import { findContainer } from '../container-store.ts';
import type { RuntimeContext } from '../context.ts';
import { parseCount, parsed } from '../flags.ts';
import { forEach } from '../for-each.ts';
import { print } from '../output.ts';

const GRACE_S = 10;

async function stop(this: RuntimeContext, flags: { time?: number }, ...names: string[]): Promise<void> {
  await forEach(this, names, async (name) => {
    await stopContainer(findContainer(name), (flags.time ?? GRACE_S) * 1000);
    print(`${name}\n`);
  });
}

export const stopCommand = buildCommand({
  func: stop,
  docs: { brief: 'Ask containers to end, and kill those that do not' },
  parameters: {
    flags: { time: parsed(parseCount, `Seconds until it is killed; default ${GRACE_S}`, 'SECONDS') },
    aliases: { t: 'time' },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: { brief: 'Name, id, or the beginning of an id', parse: String, placeholder: 'CONTAINER' },
    },
  },
});
