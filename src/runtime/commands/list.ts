import { buildCommand } from '@stricli/core';
import { format, toggle } from '../flags.ts';

export const listCommand = buildCommand({
  loader: async () => (await import('../sandboxes/list.ts')).list,
  docs: {
    brief: 'List the sandboxes of this host: its VMs, whoever made them',
    fullDescription:
      'List the sandboxes of this host, whoever made them: containerd, or kata-runtime run. A sandbox whose shim or VM ended without being cleaned up is told as broken.',
  },
  parameters: { flags: { quiet: toggle('Nothing but their ids'), format }, aliases: { q: 'quiet' } },
});
