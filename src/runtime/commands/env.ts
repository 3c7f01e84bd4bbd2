import { buildCommand } from '@stricli/core';
import { toggle } from '../flags.ts';

export const envCommand = buildCommand({
  loader: async () => (await import('../env/env.ts')).env,
  docs: { brief: 'Show the settings and the host, in the schema of upstream, as TOML' },
  parameters: { flags: { json: toggle('As JSON') } },
});
