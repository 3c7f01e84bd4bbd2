import { buildCommand } from '@stricli/core';
import { removeTemplates } from '../../../sandbox/template/factory.ts';
import type { RuntimeContext } from '../../context.ts';
import { loadRuntimeConfig } from '../../load-config.ts';

function destroy(this: RuntimeContext): void {
  removeTemplates(loadRuntimeConfig(this.global).config);
}

export const destroyCommand = buildCommand({
  func: destroy,
  docs: { brief: 'Remove all templates; VMs that were started from them go on' },
  parameters: {},
});
