import { buildCommand } from '@stricli/core';
import { listTemplates } from '../../../sandbox/template/factory.ts';
import { poolStatus } from '../../../shim/pool/control.ts';
import type { RuntimeContext } from '../../context.ts';
import { format } from '../../flags.ts';
import { loadRuntimeConfig } from '../../load-config.ts';
import { print } from '../../output.ts';
import { formatSize } from '../../size.ts';
import { formatTable } from '../../table.ts';

async function status(this: RuntimeContext, flags: { format?: 'table' | 'json' }): Promise<void> {
  const { config } = loadRuntimeConfig(this.global);
  const templates = listTemplates(config);
  const pool = await poolStatus(config.factory);
  if (flags.format === 'json') {
    print(`${JSON.stringify({ enabled: config.factory.enableTemplate, templates, pool }, null, 2)}\n`);
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
  if (pool === null) return;
  const { ready, wanted, given, pid, lastFailure } = pool;
  print(`pool: ${ready} of ${wanted} VMs wait, ${given} were given away (process ${pid})\n`);
  if (lastFailure !== '') print(`the last VM that failed: ${lastFailure}\n`);
}

export const statusCommand = buildCommand({
  func: status,
  docs: { brief: 'Show the templates and the pool' },
  parameters: { flags: { format } },
});
