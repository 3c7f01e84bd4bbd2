import { exit, getenv } from 'std';
import { syscall } from 'sys';
import { KataError } from '../errors/kata-error.ts';
import { removeFile, writeFile } from '../os/file.ts';
import { ignoreSignal, SIGNAL, SignalReader } from '../os/signal.ts';
import type { Listener } from '../os/socket.ts';
import { after, sleep, withTimeout } from '../os/timer.ts';
import { type CreateTaskRequest, TaskDefinition } from '../protocols/gen/task.ts';
import type { Container } from '../sandbox/container.ts';
import { Sandbox } from '../sandbox/sandbox.ts';
import { Teardown } from '../sandbox/teardown.ts';
import { Timeline } from '../sandbox/timeline.ts';
import type { WarmGuest } from '../sandbox/warm-guest.ts';
import { NR } from '../syscall/numbers.ts';
import { TtrpcServer } from '../ttrpc/server.ts';
import { VERSION } from '../version.ts';
import { readSpec } from './bundle.ts';
import { confirmed } from './confirmation.ts';
import { EventPublisher } from './events.ts';
import type { ShimFlags } from './flags.ts';
import { isListenedAt } from './listen-once.ts';
import { ShimLog } from './log.ts';
import { configOf } from './options.ts';
import { SandboxLedger } from './sandbox-ledger.ts';
import { TaskService } from './task-service.ts';
import { saveVmEnd } from './vm-end.ts';

export interface ServerOptions {
  flags: ShimFlags;
  /** The bundle of the container whose shim this is. */
  bundle: string;
  socketPath: string;
  listener: Listener;
  /** Where `start` tells that its caller has our address (`confirmed`). */
  confirmation: number;
  /** A VM that waits for this shim's sandbox, from a pool. */
  warm?: WarmGuest;
  /** Write the moments of the start to `timeline.json` in the bundle. */
  timeline: boolean;
}

/** After Shutdown is answered: time for the answer to leave. */
const LAST_WORDS_MS = 1;
/** containerd may be gone: nobody waits longer than this for it to take the last events. */
const FLUSH_MS = 5000;
const ACCEPT_PAUSE_MS = 100;

/** The long-lived shim: containerd's task service for one sandbox. Ends the process; never returns. */
export async function serve(options: ServerOptions): Promise<never> {
  const server = new ShimServer(options);
  return server.run();
}

class ShimServer {
  readonly #options: ServerOptions;
  readonly #log: ShimLog;
  readonly #events: EventPublisher;
  readonly #timeline = new Timeline();
  readonly #containers = new Set<string>();
  /** Containers being made. */
  #creating = 0;
  #sandbox: Sandbox | undefined;
  #ledger: SandboxLedger | undefined;
  #debugConsoleShell: string | null = null;
  #warm: WarmGuest | undefined;
  /** No caller ever got our address. */
  #isUnknown = false;
  #ending: Promise<void> | undefined;
  #finish!: () => void;
  readonly #finished: Promise<void>;

  constructor(options: ServerOptions) {
    const { flags, bundle } = options;
    this.#options = options;
    this.#warm = options.warm;
    this.#timeline.mark('shim-started');
    this.#log = new ShimLog(`${bundle}/log`, { id: flags.id, namespace: flags.namespace }, flags.debug);
    this.#events = new EventPublisher(
      {
        ttrpcAddress: getenv('TTRPC_ADDRESS') ?? '',
        publishBinary: flags.publishBinary,
        containerdAddress: flags.address,
        namespace: flags.namespace,
      },
      (message) => this.#log.warning(message),
    );
    this.#finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  async run(): Promise<never> {
    ignoreSignal(SIGNAL.PIPE);
    const signals = new SignalReader([SIGNAL.TERM, SIGNAL.INT, SIGNAL.HUP]);
    void this.#obey(signals);
    const server = new TtrpcServer();
    const service = new TaskService({
      namespace: this.#options.flags.namespace,
      events: this.#events,
      version: VERSION,
      shimPid: syscall(NR.getpid),
      warn: (message) => this.#log.warning(message),
      createContainer: (request) => this.#createContainer(request),
      remove: (container) => this.#remove(container),
      update: async (container, resources) => this.#sandbox?.updateContainer(container, resources),
      debugConsoleShell: () => this.#debugConsoleShell,
      killVm: async (reason) => this.#sandbox?.kill(reason),
      started: () => this.#timeline.mark('process-started'),
      exited: (id) => this.#exited(id),
      shutdown: () => after(LAST_WORDS_MS, () => void this.#end()),
    });
    server.register(TaskDefinition, service.handlers);
    void this.#accept(server);
    void this.#awaitConfirmation();
    await this.#finished;
    exit(0);
  }

  async #accept(server: TtrpcServer): Promise<void> {
    const { listener } = this.#options;
    for (;;) {
      let stream: Awaited<ReturnType<Listener['accept']>>;
      try {
        stream = await listener.accept();
      } catch (error) {
        if (this.#ending !== undefined) return;
        this.#log.error(KataError.from(error).line);
        // Out of descriptors, which others give back.
        await sleep(ACCEPT_PAUSE_MS);
        continue;
      }
      void server.serve(stream, 'containerd').then((error) => {
        if (error !== undefined) this.#log.warning(error.line);
      });
    }
  }

  /** Nobody has our address when `start` ended before it gave it out. */
  async #awaitConfirmation(): Promise<void> {
    if (await confirmed(this.#options.confirmation)) return;
    // Somebody found us all the same.
    if (this.#containers.size > 0 || this.#creating > 0) return;
    this.#log.warning('the shim ends: its start was ended before it told anybody where the shim listens');
    this.#isUnknown = true;
    await this.#end();
  }

  /** Takes our name away; not that of another shim that the same container's next start has made meanwhile. */
  async #removeSocket(): Promise<void> {
    const { socketPath } = this.#options;
    if (this.#isUnknown && (await isListenedAt(socketPath))) return;
    removeFile(socketPath);
  }

  /** Whoever stops the service stops its VM. */
  async #obey(signals: SignalReader): Promise<void> {
    for (;;) {
      const signal = await signals.next();
      if (signal === SIGNAL.HUP) continue;
      this.#log.info(`ended by signal ${signal}`);
      await this.#end();
    }
  }

  async #createContainer(request: CreateTaskRequest): Promise<Container> {
    this.#creating++;
    try {
      const container = await this.#createInSandbox(request);
      this.#containers.add(request.id);
      return container;
    } catch (error) {
      this.#log.error(`create container ${request.id}: ${KataError.from(error).line}`);
      throw error;
    } finally {
      this.#creating--;
      await this.#stopUnused();
    }
  }

  async #createInSandbox(request: CreateTaskRequest): Promise<Container> {
    if (this.#ending !== undefined)
      throw new KataError('unavailable', `the shim is being shut down, it takes no container ${request.id}`);
    const { id, bundle } = request;
    const { spec, ignored } = readSpec(bundle);
    for (const { path, reason } of ignored) this.#log.debug(`${path} is left out: ${reason}`);
    if (this.#sandbox === undefined) {
      const { config, warnings, sources, hashes } = configOf(request.options, spec.annotations);
      for (const warning of warnings) this.#log.warning(warning);
      if (config.runtime.enableDebug) this.#log.debugEnabled = true;
      this.#sandbox = new Sandbox({
        id,
        config,
        configPath: sources[0]!,
        wantedHashes: hashes,
        spec,
        timeline: this.#timeline,
        log: this.#log,
        warm: this.#takeWarm(),
        onOom: (containerId) => this.#outOfMemory(containerId),
        onVmEnd: (why) => this.#vmEnded(why),
      });
      const { flags, socketPath: socket } = this.#options;
      const where = { namespace: flags.namespace, socket, configPath: sources[0]! };
      this.#debugConsoleShell = config.agent.debugConsoleEnabled ? config.agent.debugConsoleShell : null;
      this.#ledger = new SandboxLedger(id, spec, config, where, this.#log);
    }
    const ledger = this.#ledger;
    const container = await this.#sandbox.createContainer({
      id,
      bundle,
      spec,
      rootfs: request.rootfs,
      terminal: request.terminal,
    });
    ledger?.add(id, bundle, spec);
    return container;
  }

  /** The VM that waits, for the first sandbox. */
  #takeWarm(): WarmGuest | undefined {
    const warm = this.#warm;
    this.#warm = undefined;
    return warm;
  }

  async #remove(container: Container): Promise<void> {
    this.#containers.delete(container.id);
    this.#ledger?.remove(container.id);
    // The last one goes with its VM: taking it out of the guest first costs a tenth of a second under emulation.
    await this.#stopUnused();
    await container.remove();
  }

  /** The VM goes with its last container, unless another one is on its way. */
  async #stopUnused(): Promise<void> {
    if (this.#containers.size > 0 || this.#creating > 0) return;
    const sandbox = this.#sandbox;
    this.#sandbox = undefined;
    await sandbox?.stop();
  }

  #exited(containerId: string): void {
    this.#timeline.mark('process-exited');
    if (!this.#options.timeline || containerId !== this.#options.flags.id) return;
    try {
      writeFile(`${this.#options.bundle}/timeline.json`, JSON.stringify(this.#timeline), 0o600);
    } catch (error) {
      this.#log.warning(`the timeline is lost: ${KataError.from(error).line}`);
    }
  }

  #vmEnded(why: string): void {
    try {
      saveVmEnd(this.#options.bundle, why);
    } catch (error) {
      this.#log.warning(`why the VM ended is lost: ${KataError.from(error).line}`);
    }
  }

  #outOfMemory(containerId: string): void {
    this.#events.publish('TaskOOM', { containerId });
  }

  /** Stops the VM, tells what is still to be told, and lets the process end. Idempotent. */
  #end(): Promise<void> {
    this.#ending ??= this.#tearDown();
    return this.#ending;
  }

  async #tearDown(): Promise<void> {
    const { listener } = this.#options;
    const teardown = new Teardown((message) => this.#log.error(message));
    teardown.add('close the log', () => this.#log.close());
    teardown.add('tell the last events', async () => {
      await withTimeout(this.#events.flush(), FLUSH_MS, 'containerd does not take them').finally(() =>
        this.#events.close(),
      );
    });
    teardown.add('stop the VM', async () => this.#sandbox?.stop());
    teardown.add('stop the VM that waited', async () => this.#takeWarm()?.machine.stop());
    teardown.add('remove the socket', () => this.#removeSocket());
    teardown.add('close the socket', () => listener.close());
    await teardown.run();
    this.#finish();
  }
}
