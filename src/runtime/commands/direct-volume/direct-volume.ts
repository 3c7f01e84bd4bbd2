import { buildRouteMap } from '@stricli/core';
import { addCommand } from './add.ts';
import { removeCommand } from './remove.ts';

/** `kata-runtime direct-volume`: for storage plugins. Upstream's names. */
export const directVolumeCommands = buildRouteMap({
  routes: { add: addCommand, remove: removeCommand },
  docs: { brief: 'Volumes that guests mount themselves, instead of the host' },
});
