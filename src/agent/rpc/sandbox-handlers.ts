import { KataError } from '../../errors/kata-error.ts';
import { exists } from '../../os/file.ts';
import { listMounts } from '../../os/unmount.ts';
import { SHARED_FOLDER } from '../sandbox/guest-paths.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { resizeEphemeral } from '../storage/ephemeral.ts';
import type { SomeHandlers } from './handlers.ts';

type Name =
  | 'createSandbox'
  | 'destroySandbox'
  | 'getOOMEvent'
  | 'removeStaleVirtiofsShareMounts'
  | 'updateEphemeralMounts'
  | 'setPolicy';

/** The life of the sandbox. */
export function sandboxHandlers(sandbox: Sandbox): SomeHandlers<Name> {
  return {
    createSandbox(request) {
      return sandbox.create(request);
    },

    async destroySandbox() {
      // Upstream's runtimes destroy what they may have failed to create.
      if (sandbox.state !== 'none') await sandbox.destroy();
    },

    async getOOMEvent(_request, context) {
      return { containerId: await sandbox.oomEvents.next(context) };
    },

    removeStaleVirtiofsShareMounts() {
      // To look at a mount whose folder is gone on the host makes virtiofsd let go of it.
      for (const { mountPoint } of listMounts()) if (mountPoint.startsWith(SHARED_FOLDER)) exists(mountPoint);
    },

    updateEphemeralMounts({ storages }) {
      resizeEphemeral(storages);
    },

    setPolicy() {
      throw new KataError('unimplemented', 'this agent has no policy engine, every request of the host is allowed', {
        hint: 'take the policy out of the configuration, or use an agent that has one',
      });
    },
  };
}
