import { KataError } from '../errors/kata-error.ts';
import { GUEST_CONSOLE } from '../oci/guest-console.ts';
import { SIGNAL } from '../os/signal.ts';
import type { StatsContainerResponse } from '../protocols/gen/agent.ts';
import type { LinuxResources, Process } from '../protocols/gen/oci.ts';
import type { AgentClient } from './agent-client.ts';
import { type ConsoleWindow, prepareConsole } from './debug-console.ts';
import { checkIdentifier } from './identifier.ts';
import { GuestProcess, signalOptions } from './process.ts';
import type { Teardown } from './teardown.ts';

export interface ContainerParts {
  client: AgentClient;
  id: string;
  bundle: string;
  terminal: boolean;
  /** What must be undone when it goes. */
  teardown: Teardown;
  /** Settles when it is known what became of the VM of an agent that hung up. */
  vmFate?: () => Promise<unknown>;
  /** What its sandbox still has to do before a process of it runs. */
  beforeStart?: () => Promise<void>;
  /** Its first process, when it is not one of the usual kind. */
  init?: GuestProcess;
}

/** A container in the guest: its first process, its execs, and what must be undone when it goes. */
export class Container {
  readonly id: string;
  readonly bundle: string;
  readonly init: GuestProcess;
  readonly execs = new Map<string, GuestProcess>();
  readonly #execSpecs = new Map<string, Process>();
  readonly #client: AgentClient;
  readonly #teardown: Teardown;
  readonly #vmFate: (() => Promise<unknown>) | undefined;
  readonly #beforeStart: (() => Promise<void>) | undefined;

  constructor({ client, id, bundle, terminal, teardown, vmFate, beforeStart, init }: ContainerParts) {
    this.#beforeStart = beforeStart;
    this.#client = client;
    this.#vmFate = vmFate;
    this.id = id;
    this.bundle = bundle;
    this.init = init ?? new GuestProcess(client, id, '', terminal, vmFate);
    this.#teardown = teardown;
  }

  /** All its processes that are known to the runtime, the first one first. */
  get processes(): GuestProcess[] {
    return [this.init, ...this.execs.values()];
  }

  /** The process of this exec id, '' being the first. Throws `not-found`. */
  process(execId: string): GuestProcess {
    const found = execId === '' ? this.init : this.execs.get(execId);
    if (found === undefined) throw new KataError('not-found', `container ${this.id} has no exec ${execId}`);
    return found;
  }

  /** Runs its first process. */
  async start(): Promise<void> {
    this.expect('created');
    await this.#beforeStart?.();
    await this.#client.agent.startContainer({ containerId: this.id });
    this.init.started();
  }

  /** Adds an exec, which runs once it is started. */
  addExec(execId: string, spec: Process): GuestProcess {
    checkIdentifier('an exec', execId);
    if (this.execs.has(execId))
      throw new KataError('already-exists', `container ${this.id} has an exec ${execId} already`);
    if (this.init.state !== 'running' && this.init.state !== 'paused')
      throw new KataError('failed-precondition', `an exec needs a running container, ${this.id} is ${this.init.state}`);
    const process = new GuestProcess(this.#client, this.id, execId, spec.terminal, this.#vmFate);
    this.execs.set(execId, process);
    this.#execSpecs.set(execId, spec);
    return process;
  }

  /** Adds a program of the guest's debug console; it is an exec like others, but outside of every container. */
  addConsole(execId: string, spec: Process): GuestProcess {
    checkIdentifier('an exec', execId);
    if (this.execs.has(execId))
      throw new KataError('already-exists', `container ${this.id} has an exec ${execId} already`);
    const process = new GuestProcess(this.#client, GUEST_CONSOLE, execId, spec.terminal, this.#vmFate);
    this.execs.set(execId, process);
    this.#execSpecs.set(execId, spec);
    return process;
  }

  /** Brings the debug console's shell into the guest (`prepareConsole`). */
  prepareConsole(hostShell: string, window: ConsoleWindow): Promise<Process> {
    return prepareConsole(this.#client, hostShell, window);
  }

  async startExec(execId: string): Promise<void> {
    const process = this.process(execId);
    expectState(process, 'created');
    const { pid } = await this.#client.agent.execProcess({
      containerId: process.containerId,
      execId,
      stringUser: undefined,
      process: this.#execSpecs.get(execId),
      stdinPort: 0,
      stdoutPort: 0,
      stderrPort: 0,
    });
    process.pid = pid;
    process.watch();
    // Killed or deleted while the guest made it: then nothing of it may go on there.
    if (process.state === 'stopped') await process.signal(SIGNAL.KILL);
    process.started();
  }

  removeExec(execId: string): void {
    this.execs.delete(execId);
    this.#execSpecs.delete(execId);
  }

  async pause(): Promise<void> {
    this.expect('running');
    await this.#client.agent.pauseContainer({ containerId: this.id });
    this.init.become('paused');
  }

  async resume(): Promise<void> {
    this.expect('paused');
    await this.#client.agent.resumeContainer({ containerId: this.id });
    this.init.become('running');
  }

  /** A signal to every process of the container. */
  async signalAll(signal: number): Promise<void> {
    await this.#client.agent.signalProcess({ containerId: this.id, execId: '', signal }, signalOptions(signal));
  }

  async update(resources: LinuxResources): Promise<void> {
    await this.#client.agent.updateContainer({ containerId: this.id, resources });
  }

  stats(): Promise<StatsContainerResponse> {
    return this.#client.agent.statsContainer({ containerId: this.id });
  }

  /**
   * The pids of the container's processes, by the guest's pid namespace, with the exec id of those that the runtime
   * started. None when the agent cannot tell: upstream's has no such call.
   */
  async pids(): Promise<{ pid: number; execId: string }[]> {
    try {
      return (await this.#client.extension.listProcesses({ containerId: this.id })).processes;
    } catch (error) {
      if (KataError.from(error).code === 'unimplemented') return [];
      throw error;
    }
  }

  /** Takes the container out of the guest and gives back what it held on the host. Idempotent; goes on past failures. */
  async remove(): Promise<void> {
    await this.#teardown.run();
  }

  /** Throws `failed-precondition` when its first process is in another state. */
  protected expect(state: GuestProcess['state']): void {
    expectState(this.init, state);
  }
}

function expectState(process: GuestProcess, state: GuestProcess['state']): void {
  if (process.state === state) return;
  throw new KataError('failed-precondition', `${process} is expected to be ${state}, it is ${process.state}`);
}
