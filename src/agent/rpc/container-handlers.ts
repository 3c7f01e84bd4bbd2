import { KataError } from '../../errors/kata-error.ts';
import { withTimeout } from '../../os/timer.ts';
import { createContainer } from '../sandbox/create-container.ts';
import { checkContainerId } from '../sandbox/identifier.ts';
import { removeContainer } from '../sandbox/remove-container.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { SomeHandlers } from './handlers.ts';

type Name =
  | 'createContainer'
  | 'startContainer'
  | 'removeContainer'
  | 'updateContainer'
  | 'statsContainer'
  | 'pauseContainer'
  | 'resumeContainer';

/** The life of a container. */
export function containerHandlers(sandbox: Sandbox): SomeHandlers<Name> {
  return {
    async createContainer(request) {
      return { pid: await createContainer(sandbox, request) };
    },

    async startContainer({ containerId }) {
      await sandbox.entry(containerId).container.start();
    },

    async removeContainer({ containerId, timeout }) {
      checkContainerId(containerId);
      const removing = sandbox.exclusively(containerId, () => removeContainer(sandbox, containerId));
      const failures = await (timeout === 0
        ? removing
        : withTimeout(removing, timeout * 1000, `container ${containerId} is expected to be gone in ${timeout} s`));
      if (failures.length === 0) return;
      const lines = failures.map((failure) => failure.line).join('; ');
      throw new KataError('internal', `container ${containerId} is gone, but for this: ${lines}`, {
        cause: failures[0],
      });
    },

    updateContainer({ containerId, resources }) {
      const { container } = sandbox.entry(containerId);
      if (resources !== undefined) container.update(resources);
    },

    async statsContainer({ containerId }) {
      const stats = sandbox.entry(containerId).container.stats();
      // The containers of a sandbox share one network, the guest's.
      return { ...stats, networkStats: sandbox.network.stats() };
    },

    async pauseContainer({ containerId }) {
      await sandbox.entry(containerId).container.pause();
    },

    async resumeContainer({ containerId }) {
      await sandbox.entry(containerId).container.resume();
    },
  };
}
