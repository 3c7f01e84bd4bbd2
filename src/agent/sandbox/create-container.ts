import { KataError } from '../../errors/kata-error.ts';
import { withTimeout } from '../../os/timer.ts';
import type { CreateContainerRequest } from '../../protocols/gen/agent.ts';
import { Container } from '../container/container.ts';
import { addGuestDevices } from '../hotplug/guest-devices.ts';
import { log } from '../log/log.ts';
import { setUpBundle } from './bundle.ts';
import { ContainerEntry } from './container-entry.ts';
import { sharedNamespaces } from './container-namespaces.ts';
import { addGuestHooks } from './guest-hooks.ts';
import { bundleOf } from './guest-paths.ts';
import { checkContainerId } from './identifier.ts';
import { removeLeftovers } from './remove-container.ts';
import type { Sandbox } from './sandbox.ts';

/** What the runtime says of a container: that it is a member of a pod, and not the pod itself. */
const CONTAINER_TYPE = 'io.katacontainers.pkg.oci.container_type';
const POD_CONTAINER = 'pod_container';

/** Makes a container, up to just before its first process executes; the pid of that. What fails leaves nothing behind. */
export function createContainer(sandbox: Sandbox, request: CreateContainerRequest): Promise<number> {
  const { containerId: id } = request;
  checkContainerId(id);
  if (sandbox.state !== 'running')
    throw new KataError('failed-precondition', `a sandbox is expected, it is ${sandbox.state}`, {
      hint: 'call CreateSandbox first',
    });
  if (sandbox.containers.has(id)) throw new KataError('already-exists', `there is a container ${id} already`);
  return sandbox.exclusively(id, () => create(sandbox, request));
}

async function create(sandbox: Sandbox, request: CreateContainerRequest): Promise<number> {
  const { containerId: id, OCI: spec } = request;
  if (spec?.linux === undefined || spec.process === undefined)
    throw new KataError('invalid-argument', `container ${id} is expected to have a spec with linux and process`);
  if (request.sharedMounts.length > 0)
    throw new KataError(
      'unimplemented',
      `container ${id} shares mounts of another container, which this agent cannot do`,
      {
        hint: 'take shared_mounts out of the configuration',
      },
    );
  const { parameters } = sandbox;
  // Disks and network cards need their drivers.
  await sandbox.modulesReady;
  await addGuestDevices(spec, request.devices, parameters.hotplugTimeoutMs);
  let storages: string[] = [];
  try {
    storages = await sandbox.storages.attachAll(request.storages);
    if (sandbox.hooks !== undefined) addGuestHooks(spec, sandbox.hooks);
    if (request.sandboxPidns) sandbox.sharePids();
    const shared = {
      ...sharedNamespaces(spec, sandbox.namespaces, request.sandboxPidns),
      netFd: sandbox.network.namespaceForContainer(),
    };
    setUpBundle(id, spec);
    const making = Container.create({
      id,
      spec,
      shared,
      stringUser: request.stringUser,
      fixMtab: parameters.fixMtab,
      pipeSizeBytes: parameters.containerPipeSizeBytes || undefined,
      bundle: bundleOf(id),
      prepared: (plan) => sandbox.takePrepared(plan),
    });
    const container = await withTimeout(
      making,
      parameters.launchProcessTimeoutMs,
      `container ${id} is expected to be set up within ${parameters.launchProcessTimeoutMs} ms`,
      'raise agent.launch_process_timeout',
    ).catch((error: unknown) => {
      abandon(making);
      throw error;
    });
    if (sandbox.state !== 'running') {
      await abandon(making);
      throw new KataError('aborted', `the sandbox went while container ${id} was being made`);
    }
    register(sandbox, new ContainerEntry(container, spec, storages, request.execId));
    return container.init.pid;
  } catch (error) {
    for (const failure of await removeLeftovers(sandbox, id, storages, spec))
      log.error('left behind by a container that could not be made', { container: id, error: failure });
    throw error;
  }
}

/** A container that is ready when nobody wants it any more is removed. */
async function abandon(making: Promise<Container>): Promise<void> {
  try {
    const container = await making;
    for (const error of await container.remove()) log.error('left behind by a late container', { error });
  } catch (error) {
    log.debug('a late container could not be made either', { error });
  }
}

function register(sandbox: Sandbox, entry: ContainerEntry): void {
  const { container } = entry;
  for (const warning of container.warnings) log.warn(warning, { container: container.id });
  // Upstream's runtimes make the pod itself first, as a container: others that share a pid namespace share this one's.
  const isPod = entry.spec.annotations[CONTAINER_TYPE] !== POD_CONTAINER;
  if (isPod && sandbox.containers.size === 0 && sandbox.namespaces?.get('pid') === undefined) {
    sandbox.namespaces?.hold('pid', container.openPidNamespace());
    sandbox.pidOwner = container.id;
  }
  sandbox.containers.set(container.id, entry);
  sandbox.oomWatcher.add(container.id, container.cgroup);
  log.info('container created', { container: container.id, pid: container.init.pid });
}
