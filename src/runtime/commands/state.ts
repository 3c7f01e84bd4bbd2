import { buildCommand } from '@stricli/core';

export const stateCommand = buildCommand({
  loader: async () => (await import('../sandboxes/state.ts')).state,
  docs: { brief: 'Tell all about a sandbox: its processes, its memory, its containers' },
  parameters: {
    flags: {
      format: { kind: 'enum', values: ['text', 'json'], optional: true, brief: 'How to print it' },
    },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: {
        brief: 'Id of a sandbox or of a container in it, its beginning, or the name of a pod or container',
        parse: String,
        placeholder: 'SANDBOX',
      },
    },
  },
});
