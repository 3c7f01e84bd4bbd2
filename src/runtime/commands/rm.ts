import { buildCommand } from '@stricli/core';
import { KataError } from '../../errors/kata-error.ts';
import { removeContainer } from '../container-actions.ts';
import { findContainer } from '../container-store.ts';
import type { RuntimeContext } from '../context.ts';
import { toggle } from '../flags.ts';
import { forEach } from '../for-each.ts';
import { print } from '../output.ts';

async function remove(this: RuntimeContext, flags: { force?: boolean }, ...names: string[]): Promise<void> {
  const force = flags.force ?? false;
  await forEach(this, names, async (name) => {
    try {
      await removeContainer(findContainer(name), force);
    } catch (error) {
      // What is to be gone is gone.
      if (force && KataError.from(error).code === 'not-found') return;
      throw error;
    }
    print(`${name}\n`);
  });
}

export const rmCommand = buildCommand({
  func: remove,
  docs: { brief: 'Remove containers that ended' },
  parameters: {
    flags: { force: toggle('Kill it first if it runs; one that is gone is fine') },
    aliases: { f: 'force' },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: { brief: 'Name, id, or the beginning of an id', parse: String, placeholder: 'CONTAINER' },
    },
  },
});
