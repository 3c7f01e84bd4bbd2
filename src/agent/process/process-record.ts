import { forget } from '../../os/loop.ts';
import type { ExitStatus } from '../../os/process.ts';
import { after } from '../../os/timer.ts';
import type { GuestProcess } from '../container/guest-process.ts';

/**
 * How long output is waited for once the process has ended: a worker that it left behind may hold its output open and
 * still write, but must not keep the container from ending.
 */
const DRAIN_MS = 500;

export type OutputName = 'stdout' | 'stderr';

/** A process of a container and what the host has fetched of it. */
export class ProcessRecord {
  readonly process: GuestProcess;
  /** Writes to stdin, one after the other. */
  lastWrite: Promise<void> = Promise.resolve();
  #drained = false;
  #waited = false;
  readonly #ended = new Set<OutputName>();

  constructor(process: GuestProcess) {
    this.process = process;
    this.exited = process.exited.then((status) => {
      after(DRAIN_MS, () => this.#endOutput());
      return status;
    });
  }

  /** How it ended. */
  readonly exited: Promise<ExitStatus>;

  /** Whether output that is not there yet is no longer waited for. */
  get drained(): boolean {
    return this.#drained;
  }

  /** The host was told how it ended. */
  noteWaited(): void {
    this.#waited = true;
  }

  /** The host was told that this output is over. */
  noteEnd(output: OutputName): void {
    this.#ended.add(output);
  }

  /** Whether the host knows all there is to know, so that this can be forgotten. */
  get consumed(): boolean {
    const outputs = this.process.hasTerminal ? 1 : 2;
    return this.#waited && this.#ended.size >= outputs;
  }

  /** Wakes whoever waits for output: nothing more will come that counts. */
  #endOutput(): void {
    this.#drained = true;
    for (const fd of [this.process.stdout, this.process.stderr]) if (fd >= 0) forget(fd);
  }
}
