import { buildCommand } from '@stricli/core';
import { parseSignal } from '../../oci/signals.ts';
import { SIGNAL } from '../../os/signal.ts';
import { killContainer } from '../container-actions.ts';
import { findContainer } from '../container-store.ts';
import type { RuntimeContext } from '../context.ts';
import { parsed } from '../flags.ts';
import { forEach } from '../for-each.ts';
import { print } from '../output.ts';

async function kill(this: RuntimeContext, flags: { signal?: number }, ...names: string[]): Promise<void> {
  await forEach(this, names, async (name) => {
    await killContainer(findContainer(name), flags.signal ?? SIGNAL.KILL);
    print(`${name}\n`);
  });
}

export const killCommand = buildCommand({
  func: kill,
  docs: { brief: 'Send a signal to containers, KILL by default' },
  parameters: {
    flags: { signal: parsed(parseSignal, 'The signal, by name or number', 'SIGNAL') },
    aliases: { s: 'signal' },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: { brief: 'Name, id, or the beginning of an id', parse: String, placeholder: 'CONTAINER' },
    },
  },
});
