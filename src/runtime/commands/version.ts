import { buildCommand } from '@stricli/core';
import { VERSION } from '../../version.ts';
import type { RuntimeContext } from '../context.ts';
import { print } from '../output.ts';

function version(this: RuntimeContext, flags: { format?: 'text' | 'json' }): void {
  print(flags.format === 'json' ? `${JSON.stringify({ version: VERSION })}\n` : `kata-runtime ${VERSION}\n`);
}

export const versionCommand = buildCommand({
  func: version,
  docs: { brief: 'Tell the version' },
  parameters: {
    flags: { format: { kind: 'enum', values: ['text', 'json'], optional: true, brief: 'How to print it' } },
  },
});
