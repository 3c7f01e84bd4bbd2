import { KataError } from '../errors/kata-error.ts';
import { SIGNAL } from '../os/signal.ts';
import { wallClockNs, withTimeout } from '../os/timer.ts';
import type { CallOptions } from '../ttrpc/client.ts';
import type { AgentClient } from './agent-client.ts';
import { type ProcessState, transition } from './lifecycle.ts';

/** How a process ended, and when by the host's wall clock. */
export interface ProcessExit {
  status: number;
  atNs: bigint;
}

/** What is said of a process whose VM is gone: killed. */
const KILLED = 137;

/**
 * The most bytes asked for in one read: a busy pipe of the guest holds this much, and one answer stays well below
 * ttrpc's 4 MiB.
 */
const READ_BYTES = 1 << 20;

/** Why an agent hung up is known by then: its VM has ended, or is ended. */
const FATE_TIMEOUT_MS = 2000;

/** SIGKILL takes a guest no time, unless it hangs. Busy hosts without KVM are given a lot of it. */
const KILL_TIMEOUT_MS = 15_000;

/** How long an agent may take to send a signal. */
export const signalOptions = (signal: number): CallOptions =>
  signal === SIGNAL.KILL ? { timeoutMs: KILL_TIMEOUT_MS } : {};

/** What a guest says is not to be believed: what is no exit status is told as 255. */
const exitStatus = (status: number): number => (status >= 0 && status <= 255 ? status : 255);

/** A process in the guest: a container's first, or an exec. It knows nothing of FIFOs; those are the shim's. */
export class GuestProcess {
  readonly containerId: string;
  /** Empty for a container's first process. */
  readonly execId: string;
  readonly terminal: boolean;
  /** By the guest's pid namespace; 0 before it is known. */
  pid = 0;
  readonly #client: AgentClient;
  readonly #vmFate: () => Promise<unknown>;
  #state: ProcessState = 'created';
  #exit: ProcessExit | undefined;
  readonly #exited: Promise<ProcessExit>;
  #settle!: (exit: ProcessExit) => void;

  /** `vmFate` settles when it is known what became of the VM of an agent that hung up. */
  constructor(
    client: AgentClient,
    containerId: string,
    execId: string,
    terminal: boolean,
    vmFate: () => Promise<unknown> = () => Promise.resolve(),
  ) {
    this.#client = client;
    this.#vmFate = vmFate;
    this.containerId = containerId;
    this.execId = execId;
    this.terminal = terminal;
    this.#exited = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  get state(): ProcessState {
    return this.#state;
  }

  get exit(): ProcessExit | undefined {
    return this.#exit;
  }

  /** Settles when it ended, whatever ended it: itself, a signal, or its VM. */
  get exited(): Promise<ProcessExit> {
    return this.#exited;
  }

  become(state: ProcessState): void {
    this.#state = transition(this.toString(), this.#state, state);
  }

  /** It runs now, unless it has ended already. */
  started(): void {
    if (this.#state === 'created') this.become('running');
  }

  /** Asks the agent, which must know it by now, to say when it ends. */
  watch(): void {
    this.#client.agent.waitProcess(this.#ids()).then(
      ({ status }) => this.end(exitStatus(status)),
      // The agent is gone, or forgot it: so is the process.
      (error: unknown) => void this.#agentFailed(error),
    );
  }

  /** An agent that is gone went with its VM: whoever hears of the end may want to know how that one ended. */
  async #agentFailed(error: unknown): Promise<void> {
    if (KataError.from(error).code === 'unavailable')
      await withTimeout(this.#vmFate(), FATE_TIMEOUT_MS, 'the fate of the VM is unknown').catch(() => {});
    this.end(KILLED);
  }

  /** It ended. Only the first call counts. */
  end(status: number): void {
    if (this.#exit !== undefined) return;
    this.#exit = { status, atNs: wallClockNs() };
    this.#state = 'stopped';
    this.#settle(this.#exit);
  }

  /** Its VM is gone. */
  lost(): void {
    this.end(KILLED);
  }

  /** The next bytes of its output; null at the end. */
  async readOutput(stream: 'stdout' | 'stderr'): Promise<Uint8Array | null> {
    const request = { ...this.#ids(), len: READ_BYTES };
    try {
      const { data } = await (stream === 'stdout'
        ? this.#client.agent.readStdout(request)
        : this.#client.agent.readStderr(request));
      return data.length > 0 ? data : null;
    } catch (error) {
      // The agent API has no word for the end: upstream's agent answers an error, and so it does for a process that is
      // already removed.
      const { code } = KataError.from(error);
      if (code === 'invalid-argument' || code === 'not-found' || code === 'unavailable' || code === 'internal')
        return null;
      throw error;
    }
  }

  /**
   * Resolves when the agent has answered something: what the process had put out before, a busy guest has read by then.
   * Rejects when it does not answer.
   */
  async agentAnswers(timeoutMs: number): Promise<void> {
    await this.#client.health.check({ service: '' }, { timeoutMs });
  }

  /** Gives it input, all of it; `unavailable` when it reads no more. */
  async writeInput(data: Uint8Array): Promise<void> {
    for (let offset = 0; offset < data.length; ) {
      const { len } = await this.#client.agent.writeStdin({ ...this.#ids(), data: data.subarray(offset) });
      if (len === 0) throw new KataError('unavailable', `${this} reads no more input`);
      offset += len;
    }
  }

  async closeInput(): Promise<void> {
    if (this.#state === 'stopped') return;
    await this.#client.agent.closeStdin(this.#ids());
  }

  async resize(columns: number, rows: number): Promise<void> {
    if (!this.terminal)
      throw new KataError('failed-precondition', `${this} has no terminal to resize`, { hint: 'create it with one' });
    await this.#client.agent.ttyWinResize({ ...this.#ids(), column: columns, row: rows });
  }

  async signal(signal: number): Promise<void> {
    await this.#client.agent.signalProcess({ ...this.#ids(), signal }, signalOptions(signal));
  }

  toString(): string {
    return this.execId === ''
      ? `container ${this.containerId}`
      : `exec ${this.execId} of container ${this.containerId}`;
  }

  /** The agent calls a container's first process by the container's id. */
  #ids(): { containerId: string; execId: string } {
    return { containerId: this.containerId, execId: this.execId === '' ? this.containerId : this.execId };
  }
}
