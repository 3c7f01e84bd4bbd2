import type { GuestDisk, GuestInterface } from '../../hypervisor/hypervisor.ts';
import { specToAgent } from '../../oci/to-agent.ts';
import type { RootImage } from '../../rootfs/root-image.ts';
import type { AgentClient } from '../agent-client.ts';
import { guestRoot } from '../guest-paths.ts';
import { rootStorages } from '../root-storage.ts';
import { sandboxRequest } from '../sandbox-request.ts';
import { warmUpInterface } from './warm-up-interface.ts';
import { defaultSpec } from './warm-up-spec.ts';

const CONTAINER = 'warm-up';
/** The agent gives a sandbox of this name to whoever creates one next. */
const SANDBOX = 'template';
const WRITABLE_BYTES = 16 * 2 ** 20;

/**
 * Runs a container that does nothing, with a root and a seccomp filter as any other, so that modules are loaded and what
 * a container's start reads and allocates is there. It opens no connection, reads no random number that it keeps, and never
 * looks at the guest's boot id: a clone must get its own. An empty sandbox is left, for clones to take over.
 *
 * The result is what the driver of its interface and the device agreed upon (`Snapshot.interfaceFeatures`).
 *
 * One round is enough for memory: a second one makes no start from it faster (bench/start).
 */
export async function warmUp(
  client: AgentClient,
  disk: GuestDisk,
  image: RootImage,
  place: GuestInterface | null,
  rounds = 1,
): Promise<string> {
  const request = sandboxRequest({ id: SANDBOX, hostname: SANDBOX, dns: [], kernelModules: [] });
  let features = '';
  for (let round = 0; round < rounds; round++) {
    if (round > 0) await client.agent.destroySandbox({});
    await client.agent.createSandbox(request);
    if (place !== null) features = await warmUpInterface(client, place);
    await runOnce(client, disk, image);
  }
  return features;
}

async function runOnce({ agent }: AgentClient, disk: GuestDisk, image: RootImage): Promise<void> {
  const spec = specToAgent(defaultSpec(), {
    rootPath: guestRoot(CONTAINER).rootfs,
    disableGuestSeccomp: false,
    annotations: {},
  });
  const ids = { containerId: CONTAINER, execId: CONTAINER };
  const ports = { stringUser: undefined, stdinPort: 0, stdoutPort: 0, stderrPort: 0 };
  await agent.createContainer({
    ...ids,
    ...ports,
    devices: [],
    storages: rootStorages(CONTAINER, disk, image, WRITABLE_BYTES),
    OCI: spec,
    sandboxPidns: false,
    sharedMounts: [],
  });
  const exec = { containerId: CONTAINER, execId: `${CONTAINER}-exec` };
  await agent.execProcess({ ...exec, ...ports, process: spec.process });
  await follow(agent, exec);
  await agent.startContainer({ containerId: CONTAINER });
  await follow(agent, ids);
  await agent.removeContainer({ containerId: CONTAINER, timeout: 0 });
}

/** As the shim follows a process: its output to the end, and how it ended. */
async function follow(agent: AgentClient['agent'], ids: { containerId: string; execId: string }): Promise<void> {
  const readAll = async (read: typeof agent.readStdout): Promise<void> => {
    for (;;) {
      const { data } = await read({ ...ids, len: 65536 }).catch(() => ({ data: new Uint8Array() }));
      if (data.length === 0) return;
    }
  };
  await Promise.all([readAll(agent.readStdout), readAll(agent.readStderr), agent.waitProcess(ids)]);
}
