import { buildCommand } from '@stricli/core';
import { listTemplates } from '../../../sandbox/template/factory.ts';
import type { RuntimeContext } from '../../context.ts';
import { format } from '../../flags.ts';
import { loadRuntimeConfig } from '../../load-config.ts';
import { print } from '../../output.ts';
import { formatSize } from '../../size.ts';
import { formatTable } from '../../table.ts';

function status(this: RuntimeContext, flags: { format?: 'table' | 'json' }): void {
  const { config } = loadRuntimeConfig(this.global);
  const templates = listTemplates(config);
  if (flags.format === 'json') {
    print(`${JSON.stringify({ enabled: config.factory.enableTemplate, templates }, null, 2)}\n`);
    return;
  }
  const rows = templates.map(({ name, bytes, madeAtMs, usedAtMs, stale }) => [
    name,
    formatSize(bytes),
    new Date(madeAtMs).toISOString().slice(0, 19),
    new Date(usedAtMs).toISOString().slice(0, 19),
    stale ?? 'usable',
  ]);
  print(formatTable(['TEMPLATE', 'SIZE', 'MADE', 'USED', 'STATE'], rows));
}

export const statusCommand = buildCommand({
  func: status,
  docs: { brief: 'Show the templates' },
  parameters: { flags: { format } },
});
