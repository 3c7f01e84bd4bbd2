import { KataError } from '../errors/kata-error.ts';
import { SIGNAL } from '../os/signal.ts';
import type { StatsContainerResponse } from '../protocols/gen/agent.ts';
import { Container, type ContainerParts } from './container.ts';
import { GuestProcess } from './process.ts';

/**
 * The container of a pod by itself, whose image Kubernetes calls pause: it holds the pod's namespaces, and no more.
 *
 * The guest holds them without it, so nothing of it is there: neither its root nor a process. To its caller it is a
 * container like any other, which runs until it is stopped.
 *
 * Unlike Kata: there pause's root is shared with the guest and its program runs there.
 */
export class PauseContainer extends Container {
  readonly #pause: PauseProcess;

  constructor(parts: Omit<ContainerParts, 'init'>) {
    const pause = new PauseProcess(parts.client, parts.id, '', parts.terminal);
    super({ ...parts, init: pause });
    this.#pause = pause;
  }

  override async start(): Promise<void> {
    this.expect('created');
    this.#pause.started();
  }

  override addExec(): never {
    throw new KataError('unimplemented', `${this.id} is a pod's pause container, in which no program can run`, {
      hint: 'exec in one of the containers of the pod',
    });
  }

  override async pause(): Promise<void> {
    this.expect('running');
    this.init.become('paused');
  }

  override async resume(): Promise<void> {
    this.expect('paused');
    this.init.become('running');
  }

  override signalAll(signal: number): Promise<void> {
    return this.#pause.signal(signal);
  }

  /** The pod's own limits are the VM's size, not this container's. */
  override async update(): Promise<void> {}

  /** It uses nothing. */
  override async stats(): Promise<StatsContainerResponse> {
    return { cgroupStats: undefined, networkStats: [] };
  }

  override async pids(): Promise<{ pid: number; execId: string }[]> {
    return [];
  }
}

/** A process that is nowhere, and ends when it is told to. */
class PauseProcess extends GuestProcess {
  override watch(): void {}

  /** As Kubernetes' own program: TERM and INT end it well, whatever else can be refused is. */
  override async signal(signal: number): Promise<void> {
    if (signal === SIGNAL.KILL) this.end(128 + signal);
    else if (signal === SIGNAL.TERM || signal === SIGNAL.INT) this.end(0);
  }

  /** It says nothing; its output is open as long as it runs. */
  override async readOutput(): Promise<null> {
    await this.exited;
    return null;
  }

  override async writeInput(): Promise<void> {}

  override async closeInput(): Promise<void> {}

  override async resize(): Promise<void> {}
}
