import { KataError } from '../../errors/kata-error.ts';
import type { StatsContainerResponse } from '../../protocols/gen/agent.ts';
import type { LinuxResources } from '../../protocols/gen/oci.ts';
import type { ContainerOptions, ExecOptions } from './container-options.ts';
import type { GuestProcess } from './guest-process.ts';

/** created: held before exec; running; paused: frozen; stopped: its first process ended. */
export type ContainerState = 'created' | 'running' | 'paused' | 'stopped';

/** A container: its cgroup, its namespaces, its processes. */
export abstract class Container {
  readonly id: string;
  readonly processes = new Map<string, GuestProcess>();
  constructor(id: string) {
    this.id = id;
  }
  /** Everything up to just before exec; what fails leaves nothing behind. */
  static create(_options: ContainerOptions): Promise<Container> {
    throw new KataError('unimplemented', 'containers are being written');
  }
  /** What could not be done and does no harm, for the log. */
  abstract readonly warnings: readonly string[];
  abstract readonly state: ContainerState;
  abstract readonly init: GuestProcess;
  /** Lets the first process execute its program; that it cannot is an error that names it. */
  abstract start(): Promise<void>;
  /** Starts a further process; returns when its program has replaced ours. It stays in `processes` until `forget`. */
  abstract exec(options: ExecOptions): Promise<GuestProcess>;
  /** Forgets an ended exec and closes our ends of its input and output. */
  abstract forget(execId: string): void;
  /** To one process; `not-found` when it ended or never was. */
  abstract signal(execId: string, signal: number): void;
  /** To every process of the container; none left is fine. */
  abstract signalAll(signal: number): void;
  abstract pause(): Promise<void>;
  abstract resume(): Promise<void>;
  abstract update(resources: LinuxResources): void;
  abstract stats(): StatsContainerResponse;
  /** The pids of all its processes, as the guest's root namespace counts. */
  abstract pids(): number[];
  /** A descriptor of the pid namespace, for containers that share it; the caller closes it. */
  abstract openPidNamespace(): number;
  /** Ends and frees what is left, half-made or not, goes on past failures and returns them. Idempotent. */
  abstract remove(): Promise<KataError[]>;
}
