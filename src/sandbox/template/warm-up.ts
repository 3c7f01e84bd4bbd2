import type { GuestDisk, GuestInterface } from '../../hypervisor/hypervisor.ts';
import { specToAgent } from '../../oci/to-agent.ts';
import { S } from '../../os/stat.ts';
import type { RootImage } from '../../rootfs/root-image.ts';
import { type AgentClient, ifServed } from '../agent-client.ts';
import { becomeOneself } from '../become-oneself.ts';
import { GUEST_SHARED, guestRoot } from '../guest-paths.ts';
import { rootStorages } from '../root-storage.ts';
import { sandboxRequest } from '../sandbox-request.ts';
import { warmUpInterface } from './warm-up-interface.ts';
import { commonSpec, defaultSpec } from './warm-up-spec.ts';

const CONTAINER = 'warm-up';
/** The agent gives a sandbox of this name to whoever creates one next. */
const SANDBOX = 'template';
const WRITABLE_BYTES = 16 * 2 ** 20;

/** A file that the host has for a container. */
const FILE = {
  fileSize: 1n,
  fileMode: S.IFREG | 0o644,
  dirMode: S.IFDIR | 0o750,
  uid: 0,
  gid: 0,
  offset: 0n,
  data: new Uint8Array([0x0a]),
};
const ANSWER_TIMEOUT_MS = 60_000;

const AS_ANY = { rootPath: guestRoot(CONTAINER).rootfs, disableGuestSeccomp: false, annotations: {} };

/**
 * Runs a container that does nothing, with a root and a seccomp filter as any other, so that modules are loaded and what
 * a container's start reads and allocates is there. It opens no connection, reads no random number that it keeps, and never
 * looks at the guest's boot id: a clone must get its own. It does all that a start does, in the same order: what is run here was
 * translated, and a start's time is that of what was not. An empty sandbox is left, for clones to take over, with the
 * first process of a container to come; rounds after the first begin with that one, as starts do. The result is what the driver of
 * its interface and the device agreed upon (`Snapshot.interfaceFeatures`).
 */
export async function warmUp(
  client: AgentClient,
  disk: GuestDisk,
  image: RootImage,
  place: GuestInterface | null,
  rounds = 2,
): Promise<string> {
  let features = '';
  const prepared = { OCI: specToAgent(commonSpec(), AS_ANY) };
  for (let round = 0; round < rounds; round++) {
    // Once is enough for the interface: it waits then, as it does for whoever starts from here.
    features += await runWarmUp(client, disk, image, round === 0 ? place : null);
    await ifServed(client.extension.prepareContainer(prepared));
  }
  return features;
}

/** One round, which leaves nothing prepared. */
export async function runWarmUp(
  client: AgentClient,
  disk: GuestDisk,
  image: RootImage,
  place: GuestInterface | null,
): Promise<string> {
  await becomeOneself(client, ANSWER_TIMEOUT_MS);
  await client.agent.createSandbox(sandboxRequest({ id: SANDBOX, hostname: SANDBOX, dns: [], kernelModules: [] }));
  const features = place === null ? '' : await warmUpInterface(client, place);
  await runOnce(client, disk, image);
  return features;
}

async function runOnce({ agent }: AgentClient, disk: GuestDisk, image: RootImage): Promise<void> {
  const files = ['hosts', 'hostname'].map((name) => ({ name, source: `${GUEST_SHARED}/${CONTAINER}-0000-${name}` }));
  for (const { source } of files) await agent.copyFile({ ...FILE, path: source });
  const spec = specToAgent(defaultSpec(), AS_ANY);
  for (const { name, source } of files)
    spec.mounts.push({ destination: `/etc/${name}`, source, type: 'bind', options: ['rbind', 'rprivate'] });
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
