import { buildCommand } from '@stricli/core';
import { removeDirectVolume } from '../../../sandbox/direct-volumes.ts';
import type { RuntimeContext } from '../../context.ts';
import { VOLUME_PATH } from './volume-path.ts';

function remove(this: RuntimeContext, flags: { 'volume-path': string }): void {
  removeDirectVolume(flags['volume-path']);
}

export const removeCommand = buildCommand({
  func: remove,
  docs: { brief: 'Forget such a volume; guests that have mounted it keep it' },
  parameters: { flags: { 'volume-path': VOLUME_PATH } },
});
