import { ImageCache } from '../rootfs/image-cache.ts';
import { removeCgroups } from './cgroup/saved-cgroups.ts';
import { endProcess } from './machine.ts';
import { disconnect } from './network/saved-network.ts';
import { loadState, removeSandboxDirectory } from './saved-state.ts';
import { Teardown } from './teardown.ts';

/**
 * Ends and removes what a sandbox left whose shim is gone. Nothing there is fine; goes on past a step that fails and
 * reports it.
 */
export async function cleanUpSandbox(sandboxId: string, report: (message: string) => void): Promise<void> {
  const teardown = new Teardown(report);
  const state = loadState(sandboxId);
  teardown.add('remove the saved state', () => removeSandboxDirectory(sandboxId));
  teardown.add("remove the roots' images", () => {
    if (state?.rootCache !== undefined) new ImageCache(state.rootCache).sweep();
  });
  teardown.add('disconnect from the network', async () => {
    if (state?.network !== undefined) await disconnect(state.network, report);
  });
  teardown.add('remove the cgroups', async () => {
    if (state?.cgroups !== undefined) await removeCgroups(state.cgroups);
  });
  teardown.add('end the VM', async () => {
    if (state?.vmm !== undefined) await endProcess(state.vmm);
  });
  // First: it must not make anything while the rest is removed.
  teardown.add('end the shim', async () => {
    if (state?.shim !== undefined) await endProcess(state.shim);
  });
  await teardown.run();
}
