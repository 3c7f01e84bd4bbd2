import { KataError } from '../../errors/kata-error.ts';
import { GUEST_CONSOLE } from '../../oci/guest-console.ts';
import { makeDirectories, removeTree } from '../../os/directory.ts';
import { unmountAll } from '../../os/unmount.ts';
import type { CreateSandboxRequest } from '../../protocols/gen/agent.ts';
import type { Spec } from '../../protocols/gen/oci.ts';
import type { AgentParameters } from '../boot/kernel-command-line.ts';
import { loadKernelModule } from '../boot/modprobe.ts';
import { OomWatcher } from '../cgroup/oom-watcher.ts';
import { DebugConsole } from '../console/debug-console.ts';
import type { ContainerPlan } from '../container/plan-container.ts';
import { PreparedInit } from '../container/prepared-init.ts';
import { log } from '../log/log.ts';
import { GuestNetwork } from '../network/guest-network.ts';
import { STORAGE_DRIVERS } from '../storage/drivers.ts';
import { StorageTable } from '../storage/storage-table.ts';
import type { ContainerEntry } from './container-entry.ts';
import { sharedNamespaces } from './container-namespaces.ts';
import { setUpDns } from './guest-dns.ts';
import { findGuestHooks, type GuestHooks } from './guest-hooks.ts';
import { CONTAINERS_FOLDER, SHARED_FOLDER } from './guest-paths.ts';
import { SandboxNamespaces } from './namespaces.ts';
import { OomEvents } from './oom-events.ts';
import { PidHolder } from './pid-holder.ts';
import { removeContainer } from './remove-container.ts';
import { nextState, type SandboxState } from './sandbox-state.ts';

/** The name of the sandbox that a guest is saved with. */
const TEMPLATE_SANDBOX = 'template';

/** The one sandbox of this guest: a pod, or a container by itself. */
export class Sandbox {
  readonly parameters: AgentParameters;
  /** Resolves when the modules that every start loads are there. */
  readonly modulesReady: Promise<void>;
  readonly containers = new Map<string, ContainerEntry>();
  /** Ids of containers that are being made or removed. */
  readonly busy = new Set<string>();
  readonly oomEvents = new OomEvents();
  readonly oomWatcher: OomWatcher;
  readonly network = new GuestNetwork(() => this.containers.size + this.busy.size > 0);
  readonly storages: StorageTable;
  namespaces: SandboxNamespaces | undefined;
  hooks: GuestHooks | undefined;
  id = '';
  /** The first process of a container to come, if one was prepared. */
  #prepared: PreparedInit | undefined;
  /** The container whose pid namespace the others share when they are asked to. */
  pidOwner: string | undefined;
  #state: SandboxState = 'none';
  #console: DebugConsole | undefined;
  #pidHolder: PidHolder | undefined;

  constructor(parameters: AgentParameters, modulesReady: Promise<void>) {
    this.parameters = parameters;
    this.modulesReady = modulesReady;
    const { hotplugTimeoutMs } = parameters;
    this.storages = new StorageTable(STORAGE_DRIVERS, { hotplugTimeoutMs, modulesReady });
    this.oomWatcher = new OomWatcher((containerId) => this.oomEvents.add(containerId));
  }

  get state(): SandboxState {
    return this.#state;
  }

  /** Sets the sandbox up. What was left of one before is wiped. After a failure another try may follow. */
  async create(request: CreateSandboxRequest): Promise<void> {
    if (this.#isTemplate) return this.#adopt(request);
    this.#become('creating');
    try {
      wipe();
      this.id = request.sandboxId;
      if (request.kernelModules.length > 0) await this.modulesReady;
      for (const { name, parameters } of request.kernelModules) loadKernelModule(name, parameters);
      this.namespaces = new SandboxNamespaces(request.hostname);
      await this.storages.attachAll(request.storages);
      if (request.guestHookPath !== '') this.hooks = findGuestHooks(request.guestHookPath);
      setUpDns(request.dns);
    } catch (error) {
      for (const failure of await this.#takeDown()) log.error('left behind', { error: failure });
      this.#become('none');
      throw error;
    }
    this.#become('running');
    log.info('sandbox created', { sandbox: this.id });
  }

  /**
   * Whether this guest was saved with an empty sandbox, so that its clones need not make one: it is theirs by another name.
   */
  get #isTemplate(): boolean {
    return this.#state === 'running' && this.id === TEMPLATE_SANDBOX && this.containers.size === 0;
  }

  async #adopt({
    sandboxId,
    hostname,
    kernelModules,
    storages,
    guestHookPath,
    dns,
  }: CreateSandboxRequest): Promise<void> {
    this.id = sandboxId;
    for (const { name, parameters } of kernelModules) loadKernelModule(name, parameters);
    this.namespaces?.rename(hostname);
    // What is there already is used once more; no more than that is different in a clone.
    await this.storages.attachAll(storages);
    if (guestHookPath !== '') this.hooks = findGuestHooks(guestHookPath);
    setUpDns(dns);
    log.info('sandbox adopted', { sandbox: this.id });
  }

  /** Ends every container and takes away all that is the sandbox's; goes on past what fails, which is then thrown as one. */
  async destroy(): Promise<void> {
    this.#become('destroying');
    const failures = await this.#takeDown();
    this.#become('none');
    log.info('sandbox destroyed', { sandbox: this.id });
    if (failures.length === 0) return;
    const lines = failures.map((failure) => failure.line).join('; ');
    throw new KataError('internal', `the sandbox is gone, but for this: ${lines}`, { cause: failures[0] });
  }

  /** Prepares a container like this one, for whichever comes first that it suits. */
  async prepare(spec: Spec): Promise<void> {
    await this.#prepared?.discard();
    this.#prepared = undefined;
    const shared = { ...sharedNamespaces(spec, this.namespaces, false), netFd: this.network.namespaceForContainer() };
    const { containerPipeSizeBytes } = this.parameters;
    this.#prepared = await PreparedInit.make({ spec, shared, pipeSizeBytes: containerPipeSizeBytes || undefined });
  }

  /** What was prepared, if it suits a container of this plan; it is given away once. */
  takePrepared(plan: ContainerPlan): PreparedInit | undefined {
    if (this.#prepared?.suits(plan) !== true) return undefined;
    const prepared = this.#prepared;
    this.#prepared = undefined;
    return prepared;
  }

  /** Makes a pid namespace for the containers that share one, unless they have one already. */
  sharePids(): void {
    if (this.namespaces === undefined || this.namespaces.get('pid') !== undefined) return;
    this.#pidHolder = new PidHolder();
    this.namespaces.hold('pid', this.#pidHolder.openNamespace());
  }

  /** The container of this id; `not-found` when there is none. */
  entry(id: string): ContainerEntry {
    const entry = this.containers.get(id);
    if (entry !== undefined) return entry;
    throw new KataError('not-found', `there is no container ${JSON.stringify(id.slice(0, 300))} in this sandbox`);
  }

  /** Whose processes are meant: a container's, or the guest's own if its debug console may be opened. */
  owner(id: string): ContainerEntry | DebugConsole {
    if (id !== GUEST_CONSOLE || !this.parameters.debugConsole) return this.entry(id);
    this.#console ??= new DebugConsole();
    return this.#console;
  }

  /** Does something with a container that nothing else may be done with meanwhile. */
  async exclusively<T>(id: string, action: () => Promise<T>): Promise<T> {
    if (this.busy.has(id)) throw new KataError('failed-precondition', `container ${id} is being made or removed`);
    this.busy.add(id);
    try {
      return await action();
    } finally {
      this.busy.delete(id);
    }
  }

  async #takeDown(): Promise<KataError[]> {
    const failures: KataError[] = [];
    this.oomEvents.close();
    await this.#prepared?.discard().catch((error: unknown) => void failures.push(KataError.from(error)));
    this.#prepared = undefined;
    this.#console?.close();
    for (const id of [...this.containers.keys()]) failures.push(...(await removeContainer(this, id)));
    failures.push(...(await this.storages.releaseEverything()));
    failures.push(...(this.namespaces?.close() ?? []));
    this.namespaces = undefined;
    this.#pidHolder?.end();
    this.#pidHolder = undefined;
    this.hooks = undefined;
    return failures;
  }

  #become(state: SandboxState): void {
    this.#state = nextState(this.#state, state);
  }
}

/** An empty folder for containers, whatever was in it or mounted there. */
function wipe(): void {
  for (const failure of unmountAll(CONTAINERS_FOLDER, { lazy: true })) throw failure;
  removeTree(CONTAINERS_FOLDER);
  makeDirectories(SHARED_FOLDER);
}
