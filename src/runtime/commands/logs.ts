import { buildCommand } from '@stricli/core';
import { findContainer } from '../container-store.ts';
import type { RuntimeContext } from '../context.ts';
import { parseCount, parsed, toggle } from '../flags.ts';
import { showLogs } from '../show-logs.ts';

interface Flags {
  follow?: boolean;
  tail?: number;
}

async function logs(this: RuntimeContext, flags: Flags, container: string): Promise<void> {
  await showLogs(findContainer(container), { follow: flags.follow ?? false, tail: flags.tail });
}

export const logsCommand = buildCommand({
  func: logs,
  docs: { brief: 'Show what a container put out' },
  parameters: {
    flags: {
      follow: toggle('Go on until it ends'),
      tail: parsed(parseCount, 'So many lines of each stream at most', 'LINES'),
    },
    aliases: { f: 'follow', n: 'tail' },
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'Name, id, or the beginning of an id', parse: String, placeholder: 'CONTAINER' }],
    },
  },
});
