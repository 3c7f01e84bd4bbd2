import type { WantedHash } from '../config/annotations/hashes.ts';
import { configAnnotations } from '../config/annotations/names.ts';
import type { Config } from '../config/config.ts';
import { KataError } from '../errors/kata-error.ts';
import type { Qemu } from '../hypervisor/qemu/qemu.ts';
import { identifyContainer } from '../oci/annotations.ts';
import { resourcesToAgent } from '../oci/resources-to-agent.ts';
import type { OciCpu, OciResources, OciSpec } from '../oci/spec.ts';
import { networkNamespacePath } from '../oci/to-agent.ts';
import { monotonicMs, withTimeout } from '../os/timer.ts';
import type { Storage } from '../protocols/gen/agent.ts';
import { prepareRoot } from '../rootfs/prepare-root.ts';
import type { SnapshotMount } from '../rootfs/root-image.ts';
import { type AgentClient, agentClient } from './agent-client.ts';
import { becomeOneself } from './become-oneself.ts';
import { BlockVolumes } from './block-volumes.ts';
import { SandboxCgroups } from './cgroup/sandbox-cgroups.ts';
import { Container } from './container.ts';
import { containerRequest } from './container-request.ts';
import type { GuestSize } from './guest-size.ts';
import { checkIdentifier } from './identifier.ts';
import { guestSize, newMachine, savedSelf } from './machine.ts';
import { PodNetwork } from './network/pod-network.ts';
import { PortForward } from './network/port-forward.ts';
import { PauseContainer } from './pause-container.ts';
import { rootStorages } from './root-storage.ts';
import type { SandboxLog } from './sandbox-log.ts';
import { requestOf } from './sandbox-request.ts';
import { makeSandboxDirectory, removeSandboxDirectory, sandboxDirectory, saveState } from './saved-state.ts';
import { startVm, warmOrEnded } from './start-vm.ts';
import { Teardown } from './teardown.ts';
import type { Timeline } from './timeline.ts';
import { verifyHashes } from './verify-hashes.ts';
import { ChangeWatcher } from './volumes/change-watcher.ts';
import { HostVolumes } from './volumes/host-volumes.ts';
import { fetchTerminationLog } from './volumes/termination-log.ts';
import type { WarmGuest } from './warm-guest.ts';

export interface SandboxOptions {
  id: string;
  config: Config;
  /** The file that it was read from. */
  configPath: string;
  /** What its annotations demand of the files that its VM is made of. */
  wantedHashes?: readonly WantedHash[];
  /** The spec of its first container: it names the host and the resolver. */
  spec: OciSpec;
  timeline: Timeline;
  log: SandboxLog;
  /** A VM that waits for a sandbox; used when it is the one that the configuration wants, else ended. */
  warm?: WarmGuest | undefined;
  /** A container of it ran out of memory. */
  onOom(containerId: string): void;
  /** The VM ended under its containers: why, in one line. Called before any of their processes is said to be killed. */
  onVmEnd(why: string): void;
}

export interface CreateContainerOptions {
  id: string;
  bundle: string;
  /** As `parseSpec` checked it. */
  spec: OciSpec;
  rootfs: readonly SnapshotMount[];
  terminal: boolean;
}

/** An agent whose channel opened at the last moment still gets so long to answer. */
const MIN_ANSWER_MS = 1000;
const REMOVE_TIMEOUT_MS = 10_000;
const DESTROY_TIMEOUT_MS = 2000;
/** A VMM whose agent hung up is given so long to end by itself, as a guest that panics does. */
const HANG_UP_GRACE_MS = 500;
/** Whoever makes a container gets so long to take it back when its sandbox ends; images half-made end with their locks. */
const CREATION_GRACE_MS = 3000;

/** One VM and the containers in it. */
export class Sandbox {
  readonly id: string;
  readonly #options: SandboxOptions;
  readonly #containers = new Map<string, Container>();
  readonly #teardown: Teardown;
  readonly #size: GuestSize;
  readonly #disks = new BlockVolumes();
  #machine: Qemu;
  /** Its cgroups on the host; null when its spec names none. */
  #cgroups: SandboxCgroups | null = null;
  /** The VM is a clone of a template's guest, which ran before. */
  #cloned = false;
  readonly #network: PodNetwork;
  /** Once the VMM takes commands. */
  #started: Promise<void> | undefined;
  #booting: Promise<AgentClient> | undefined;
  /** Once the guest is up. */
  #client: AgentClient | undefined;
  #stopping: Promise<void> | undefined;
  /** Rejects when the sandbox is to stop. */
  readonly #unwanted: Promise<never>;
  #giveUp: (reason: KataError) => void = () => {};
  /** Containers being made, or taken back because that failed. */
  readonly #creating = new Set<Promise<unknown>>();
  /** Why its VM, which is broken, is stopped; empty when it is not. */
  #stopReason = '';
  /** The VM has ended. */
  #gone = false;
  /** Settles when an agent that hung up was looked after. */
  #fate: Promise<void> = Promise.resolve();
  /** The agent's channel is open. */
  #guestUp = false;
  #rootCount = 0;
  /** Of what containers mount from the host. */
  #watcher: ChangeWatcher | undefined;

  constructor(options: SandboxOptions) {
    this.id = options.id;
    this.#options = options;
    this.#teardown = new Teardown((message) => options.log.warning(message));
    this.#unwanted = new Promise((_, reject) => {
      this.#giveUp = reject;
    });
    this.#unwanted.catch(() => {});
    this.#machine = newMachine(options.config, options.id, options.log, null);
    this.#size = guestSize(options.config, options.spec, options.log);
    this.#network = new PodNetwork({
      path: networkNamespacePath(options.spec),
      config: options.config,
      log: options.log,
      nodePath: `${sandboxDirectory(options.id)}/node`,
      save: (network) => this.#saveState(network),
      teardown: this.#teardown,
    });
  }

  get containers(): ReadonlyMap<string, Container> {
    return this.#containers;
  }

  /**
   * Makes a container, ready to start. The first one boots the VM, and its root is made while the guest comes up. What
   * it throws left nothing of this container behind.
   */
  async createContainer(options: CreateContainerOptions): Promise<Container> {
    checkIdentifier('a container', options.id);
    if (this.#stopping !== undefined)
      throw new KataError('failed-precondition', `sandbox ${this.id} is being stopped, it takes no container`);
    const creating = this.#create(options);
    this.#creating.add(creating);
    try {
      return await creating;
    } finally {
      this.#creating.delete(creating);
    }
  }

  async #create(options: CreateContainerOptions): Promise<Container> {
    const { config, log, timeline } = this.#options;
    const teardown = new Teardown((message) => log.warning(`container ${options.id}: ${message}`));
    this.#booting ??= this.#boot();
    // Should the root fail first, the boot's own end is nobody's news.
    this.#booting.catch(() => {});
    try {
      if (identifyContainer(options.id, options.spec.annotations).kind === 'pod-sandbox')
        return await this.#createPause(options, teardown);
      const deny = this.#cgroups?.allowDevices(options.rootfs.map(({ source }) => source));
      if (deny !== undefined) teardown.add('deny its devices', deny);
      const image = await prepareRoot({
        mounts: options.rootfs,
        bundleRoot: absolute(options.spec.root?.path ?? 'rootfs', options.bundle),
        cacheDirectory: config.runtime.rootfsCacheDir,
        cacheSizeMib: config.runtime.rootfsCacheSizeMib,
      });
      teardown.add('release the root', () => image.release());
      timeline.mark('root-image-ready');
      // As early as it can be: a disk that the kernel finds while it boots costs 10 ms, one plugged in later 45.
      await (this.#started ?? this.#booting);
      const diskId = `root-${this.#rootCount++}`;
      const disk = await this.#machine.attachDisk({ id: diskId, path: image.path, readOnly: true });
      teardown.add('detach the root', () => this.#machine.detachDisk(diskId));
      timeline.mark('root-attached');
      const client = await this.#booting;
      this.#limitCpus(options.id, options.spec.linux?.resources?.cpu ?? {}, teardown);
      teardown.add('forget its size', () => this.#size.forget(options.id));
      if (await this.#fit(options.id, options.spec.linux?.resources ?? {}, client)) timeline.mark('vm-grown');
      const container = await this.#createInGuest(
        client,
        options,
        rootStorages(options.id, disk, image, this.#writableBytes()),
        teardown,
      );
      this.#know(container, teardown);
      timeline.mark('container-created');
      return container;
    } catch (error) {
      // A VM that ended before its disk was there: why, its boot tells.
      const cause = this.#gone ? await this.#booting.then(() => error).catch((reason: unknown) => reason) : error;
      await teardown.run();
      throw this.#withConsole(cause);
    }
  }

  /** The host's processors that a container's part of the VM may run on. */
  #limitCpus(containerId: string, cpu: OciCpu, teardown: Teardown): void {
    const cgroups = this.#cgroups;
    if (cgroups === null || (!cpu.cpus && !cpu.mems)) return;
    teardown.add('free its processors', () => {
      // The last one's go with the cgroup.
      if (this.#stopping === undefined) cgroups.limitCpus(containerId, null);
    });
    cgroups.limitCpus(containerId, cpu);
  }

  /** The pod by itself: there is nothing of it but the VM. */
  async #createPause({ id, bundle, terminal }: CreateContainerOptions, teardown: Teardown): Promise<Container> {
    const client = await this.#booting!;
    const container = new PauseContainer({ client, id, bundle, terminal, teardown });
    this.#know(container, teardown);
    return container;
  }

  #know(container: Container, teardown: Teardown): void {
    this.#containers.set(container.id, container);
    teardown.add('forget the container', () => {
      this.#containers.delete(container.id);
    });
  }

  /** The failure of a guest that hung up or does not answer, with what it said last. */
  #withConsole(thrown: unknown): unknown {
    const error = KataError.from(thrown);
    const { code, message, hint } = error;
    if (this.#client === undefined && !this.#guestUp) return thrown;
    if (code !== 'unavailable' && code !== 'deadline-exceeded') return thrown;
    const tail = this.#machine.consoleTail(12);
    const said = tail === '' ? "the guest's console is empty" : `the console's last lines:\n${tail}`;
    return new KataError(code, `${message}; ${said}`, { hint, cause: error });
  }

  /** Changes a container's limits; the VM grows first when they are more than it has. */
  async updateContainer(container: Container, resources: OciResources): Promise<void> {
    const client = this.#client;
    if (client === undefined) throw new KataError('failed-precondition', `sandbox ${this.id} does not run`);
    await this.#fit(container.id, resources, client);
    if (resources.cpu?.cpus || resources.cpu?.mems) this.#cgroups?.limitCpus(container.id, resources.cpu);
    await container.update(resourcesToAgent(resources));
  }

  /** Has the VM grow to what its containers may use; threads that are new go where the others are. Whether it grew. */
  async #fit(containerId: string, resources: OciResources, client: AgentClient): Promise<boolean> {
    const grew = await this.#size.fit(containerId, resources, this.#machine, client);
    if (grew) this.#cgroups?.placeVcpus(this.#machine.vcpuThreads());
    return grew;
  }

  async #createInGuest(
    client: AgentClient,
    options: CreateContainerOptions,
    storages: Storage[],
    teardown: Teardown,
  ): Promise<Container> {
    const { id, bundle, spec } = options;
    const { disableGuestSeccomp, createContainerTimeoutMs } = this.#options.config.runtime;
    const disks = await this.#disks.attach(id, spec, this.#machine, teardown);
    // Set first: a creation that failed half-way in the guest is removed there too.
    teardown.add('remove from the guest', () => this.#removeFromGuest(client, id));
    const volumes = await this.#hostVolumes(client, id, spec, (index) => disks.has(index));
    teardown.add('follow no volume', () => volumes.close());
    const { sources, annotations } = volumes;
    const podSpec = this.#options.spec;
    storages.push(...volumes.storages);
    const wanted = { id, bundle, spec, podSpec, storages, disks, sources, annotations, disableGuestSeccomp };
    const { pid } = await client.agent.createContainer(containerRequest(wanted), {
      timeoutMs: createContainerTimeoutMs,
    });
    const { terminal } = options;
    const [vmFate, beforeStart] = [() => this.#fate, () => this.#network.lookAgain(this.#machine, client)];
    const container = new Container({ client, id, bundle, terminal, teardown, vmFate, beforeStart });
    container.init.pid = pid;
    const { terminationLog } = volumes;
    if (terminationLog !== undefined)
      container.init.farewell = () => fetchTerminationLog(client, id, terminationLog, this.#options.log);
    container.init.watch();
    return container;
  }

  #hostVolumes(
    client: AgentClient,
    containerId: string,
    spec: OciSpec,
    isElsewhere: (index: number) => boolean,
  ): Promise<HostVolumes> {
    const { config, log } = this.#options;
    this.#watcher ??= new ChangeWatcher((message) => log.warning(message));
    const guestMemoryBytes = config.hypervisor.defaultMemoryMib * 2 ** 20;
    return HostVolumes.make({ client, watcher: this.#watcher, log, guestMemoryBytes, isElsewhere }, containerId, spec);
  }

  async #removeFromGuest(client: AgentClient, containerId: string): Promise<void> {
    if (this.#stopping !== undefined || this.#gone) return;
    await client.agent
      .removeContainer({ containerId, timeout: 0 }, { timeoutMs: REMOVE_TIMEOUT_MS })
      .catch((error: unknown) => {
        if (KataError.from(error).code !== 'not-found') throw error;
      });
  }

  async #boot(): Promise<AgentClient> {
    const { config, log, timeline, wantedHashes = [] } = this.#options;
    await verifyHashes(config.hypervisor, wantedHashes);
    makeSandboxDirectory(this.id);
    this.#teardown.add('remove the saved state', () => removeSandboxDirectory(this.id));
    await this.#enterCgroups();
    await this.#network.open();
    this.#saveState();
    this.#teardown.add('stop the VM', () => this.#machine.stop());
    const warm = await this.#takeWarm();
    this.#started = warm === null ? this.#start() : Promise.resolve();
    await this.#started;
    this.#placeVm(warm === null);
    timeline.mark('vm-spawned');
    // While the guest comes to itself: the kernel's part of it takes some milliseconds.
    const connected = this.#network.connect();
    connected.catch(() => {});
    this.#saveState();
    const machine = this.#machine;
    void machine.exited.then(() => this.#lost());
    void machine.guestUp.then(() => timeline.mark('guest-up'));
    const { client, ready } = warm === null ? await this.#connect() : { client: warm.client, ready: Promise.resolve() };
    this.#network.closeTaps();
    this.#guestUp = true;
    // The agent takes requests in their order, so a clone is itself before it takes this one.
    const created = client.agent.createSandbox(requestOf(this.id, this.#options), {
      timeoutMs: config.runtime.createContainerTimeoutMs,
    });
    await Promise.all([ready.then(() => timeline.mark('agent-up')), created]);
    this.#forwardPorts(client);
    await connected;
    await this.#network.configureGuest(client);
    this.#client = client;
    this.#fate = client.closed.then(() => this.#hungUp());
    void this.#watchOom(client);
    log.info(`the guest of sandbox ${this.id} is up`);
    return client;
  }

  /** Before anything of the sandbox is started: what it starts is where the shim is. */
  async #enterCgroups(): Promise<void> {
    const { spec, config, log } = this.#options;
    this.#cgroups = SandboxCgroups.of({
      sandboxId: this.id,
      cgroupsPath: spec.linux?.cgroupsPath ?? '',
      sandboxCgroupOnly: config.runtime.sandboxCgroupOnly,
      devices: spec.linux?.resources?.devices ?? [],
      debug: config.hypervisor.enableDebug,
      log,
    });
    if (this.#cgroups === null) return;
    const cgroups = this.#cgroups;
    this.#teardown.add('leave the cgroups', () => cgroups.leave());
    await cgroups.enter(() => this.#saveState());
  }

  /** Puts the VM, which runs, into the cgroups; `isOurChild` when it was started from them. */
  #placeVm(isOurChild: boolean): void {
    const [cgroups, machine] = [this.#cgroups, this.#machine];
    if (cgroups === null) return;
    cgroups.placeVm(machine.pid, machine.vcpuThreads(), isOurChild);
    machine.beforeOpening = (path) => cgroups.allowDevices([path]);
  }

  /** For kubelet, of a pod. */
  #forwardPorts(client: AgentClient): void {
    const { spec, log } = this.#options;
    const path = networkNamespacePath(spec);
    if (path === undefined || identifyContainer(this.id, spec.annotations).kind !== 'pod-sandbox') return;
    const forward = PortForward.open(path, client, log);
    if (forward !== null) this.#teardown.add('forward no ports', () => forward.close());
  }

  /** The agent, once it has opened its channel; `ready` when it has answered, of a clone when that is a machine of its own. */
  async #connect(): Promise<{ client: AgentClient; ready: Promise<void> }> {
    const { dialTimeoutMs } = this.#options.config.agent;
    const startMs = monotonicMs();
    const client = agentClient(await this.#machine.connectAgent(dialTimeoutMs), {
      firstStreamId: this.#machine.agentStreamId,
    });
    this.#teardown.add('hang up', () => client.close());
    this.#guestUp = true;
    // The configured time is for both: to come up, and to answer.
    const leftMs = Math.max(MIN_ANSWER_MS, dialTimeoutMs - (monotonicMs() - startMs));
    if (this.#cloned) return { client, ready: becomeOneself(client, leftMs) };
    await client.health.check({ service: '' }, { timeoutMs: leftMs });
    return { client, ready: Promise.resolve() };
  }

  /** Takes over the VM that waits, if it is the one that is wanted. */
  async #takeWarm(): Promise<WarmGuest | null> {
    const { config, log } = this.#options;
    const warm = await warmOrEnded(this.#options.warm, config, log);
    if (warm === null) return null;
    this.#machine = warm.machine;
    await this.#network.attachTo(this.#machine);
    warm.log.to(log);
    log.info('the VM has waited in the pool');
    this.#teardown.add('hang up', () => warm.client.close());
    return warm;
  }

  async #start(): Promise<void> {
    const { config, configPath, spec, log } = this.#options;
    this.#cloned = await startVm({
      config,
      source: { path: configPath, annotations: configAnnotations(spec.annotations) },
      log,
      use: async (snapshot) => {
        this.#machine = newMachine(config, this.id, log, snapshot);
        await this.#network.attachTo(this.#machine);
        return this.#machine;
      },
      unwanted: this.#unwanted,
      isStopping: () => this.#stopping !== undefined,
      leaveCgroups: () => this.#cgroups?.leaveInChild(),
    });
  }

  /** For whoever cleans up, should this shim be gone or hang. */
  #saveState(network = this.#network.saved): void {
    const { rootfsCacheDir: directory, rootfsCacheSizeMib: sizeMib } = this.#options.config.runtime;
    const [vmm, shim] = [this.#machine.savedProcess(), savedSelf()];
    saveState({
      version: 1,
      sandboxId: this.id,
      rootCache: { directory, sizeMib },
      ...(network && { network }),
      ...(vmm && { vmm }),
      ...(shim && { shim }),
      ...(this.#cgroups && { cgroups: this.#cgroups.saved }),
    });
  }

  async #watchOom(client: AgentClient): Promise<void> {
    for (;;) {
      try {
        const { containerId } = await client.agent.getOOMEvent({});
        if (this.#containers.has(containerId)) this.#options.onOom(containerId);
      } catch (error) {
        if (this.#stopping === undefined && !this.#gone)
          this.#options.log.warning(`no further news of memory running out: ${KataError.from(error).line}`);
        return;
      }
    }
  }

  /** The agent hung up. A guest that panicked is about to end its VM; one that stays is ended. */
  async #hungUp(): Promise<void> {
    if (this.#stopping !== undefined) return;
    try {
      await withTimeout(this.#machine.exited, HANG_UP_GRACE_MS, 'the VM still runs');
    } catch {
      await this.#stopBroken('its agent is gone');
    }
  }

  /** Ends a VM whose guest hangs; all that ran in it is reported killed. */
  async kill(reason: string): Promise<void> {
    await this.#stopBroken(reason);
  }

  async #stopBroken(reason: string): Promise<void> {
    this.#stopReason = reason;
    await this.#machine.stop();
    this.#lost();
  }

  /** The VM is gone: whatever ran in it was killed. */
  #lost(): void {
    if (!this.#gone && this.#stopping === undefined) {
      const { log, onVmEnd } = this.#options;
      const lastWords = this.#machine.lastWords();
      const why = this.#stopReason === '' ? lastWords : `it was stopped because ${this.#stopReason}; ${lastWords}`;
      const tail = this.#machine.consoleTail(5);
      log.error(
        `the VM of sandbox ${this.id} ended: ${why}${tail === '' ? '' : `; the console's last lines:\n${tail}`}`,
      );
      if (this.#containers.size > 0) onVmEnd(why);
    }
    this.#gone = true;
    for (const container of this.#containers.values()) for (const process of container.processes) process.lost();
  }

  #writableBytes(): number {
    const { config } = this.#options;
    const mib = config.runtime.writableLayerSizeMib || this.#size.memoryMib / 2;
    return Math.floor(mib * 1024 * 1024);
  }

  /** Ends everything and leaves nothing. Idempotent; goes on past what fails. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#giveUp(new KataError('cancelled', 'the sandbox was stopped'));
    // What runs in it is ended with the VM, at once; only what it wrote to a disk of the host has to be brought there.
    if (this.#client !== undefined && !this.#gone && this.#machine.hasWritableDisks)
      await this.#client.agent.destroySandbox({}, { timeoutMs: DESTROY_TIMEOUT_MS }).catch((error: unknown) => {
        this.#options.log.debug(`the guest did not end in order: ${KataError.from(error).line}`);
      });
    // A boot under way ends with its VM; only then is it known what there is to undo.
    await this.#machine.stop();
    await this.#booting?.catch(() => {});
    const made = Promise.allSettled(this.#creating);
    await withTimeout(made, CREATION_GRACE_MS, 'a root is still being made').catch((error: unknown) => {
      this.#options.log.warning(KataError.from(error).line);
    });
    for (const container of [...this.#containers.values()]) await container.remove();
    this.#watcher?.close();
    await this.#teardown.run();
    this.#lost();
  }
}

function absolute(path: string, base: string): string {
  return path.startsWith('/') ? path : `${base}/${path}`;
}
