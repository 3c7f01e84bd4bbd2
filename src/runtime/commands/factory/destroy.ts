import { buildCommand } from '@stricli/core';
import { removeTemplates } from '../../../sandbox/template/factory.ts';
import { stopPool } from '../../../shim/pool/control.ts';
import type { RuntimeContext } from '../../context.ts';
import { loadRuntimeConfig } from '../../load-config.ts';

async function destroy(this: RuntimeContext): Promise<void> {
  const { config } = loadRuntimeConfig(this.global);
  await stopPool(config.factory);
  removeTemplates(config);
}

export const destroyCommand = buildCommand({
  func: destroy,
  docs: { brief: 'End the pool and remove all templates; VMs that were started from them go on' },
  parameters: {},
});
