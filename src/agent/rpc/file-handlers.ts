import { KataError } from '../../errors/kata-error.ts';
import { copyFile } from '../files/copy-file.ts';
import { terminationLog } from '../files/termination-log.ts';
import { volumeStats } from '../files/volumes.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { SomeHandlers } from './handlers.ts';

type Name = 'copyFile' | 'getVolumeStats' | 'resizeVolume' | 'getDiagnosticData';

/** Files and volumes. */
export function fileHandlers(sandbox: Sandbox): SomeHandlers<Name> {
  return {
    copyFile(request) {
      copyFile(request);
    },

    getVolumeStats({ volumeGuestPath }) {
      return volumeStats(volumeGuestPath);
    },

    resizeVolume({ volumeGuestPath }) {
      throw new KataError('unimplemented', `the volume ${volumeGuestPath} cannot be resized by this agent`, {
        hint: 'resize2fs and xfs_growfs are not in this guest; upstream has no resizing either',
      });
    },

    getDiagnosticData({ logType, containerId }) {
      if (logType !== 'termination_log')
        throw new KataError('invalid-argument', `the log type termination_log is expected, found ${logType}`);
      return { data: terminationLog(sandbox.entry(containerId).spec) };
    },
  };
}
