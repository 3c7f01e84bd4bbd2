import { buildCommand } from '@stricli/core';
import { addDirectVolume } from '../../../sandbox/direct-volumes.ts';
import type { RuntimeContext } from '../../context.ts';
import { VOLUME_PATH } from './volume-path.ts';

interface Flags {
  'volume-path': string;
  'mount-info': string;
}

function add(this: RuntimeContext, flags: Flags): void {
  addDirectVolume(flags['volume-path'], flags['mount-info']);
}

export const addCommand = buildCommand({
  func: add,
  docs: { brief: 'Let guests mount a disk where containers bind-mount a path' },
  parameters: {
    flags: {
      'volume-path': VOLUME_PATH,
      'mount-info': {
        kind: 'parsed',
        parse: String,
        brief: 'The disk, as upstream\'s JSON: {"volume-type":"block","device":"/dev/sdb","fstype":"ext4"}',
        placeholder: 'JSON',
      },
    },
  },
});
