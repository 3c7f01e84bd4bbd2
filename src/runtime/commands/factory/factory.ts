import { buildRouteMap } from '@stricli/core';
import { destroyCommand } from './destroy.ts';
import { initCommand } from './init.ts';
import { statusCommand } from './status.ts';

/** `kata-runtime factory`: the guests that VMs start from. Upstream's names. */
export const factoryCommands = buildRouteMap({
  routes: { init: initCommand, status: statusCommand, destroy: destroyCommand },
  docs: { brief: 'Templates of guests, from which VMs start without booting' },
});
