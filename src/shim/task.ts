import { syscall } from 'sys';
import { KataError } from '../errors/kata-error.ts';
import type { Container } from '../sandbox/container.ts';
import type { GuestProcess, ProcessExit } from '../sandbox/process.ts';
import { NR } from '../syscall/numbers.ts';
import type { ProcessIo, Stdio } from './process-io.ts';

/** A process as containerd sees it: the guest's process, its streams, and when its end may be told. */
export class TaskProcess {
  readonly process: GuestProcess;
  readonly io: ProcessIo;
  readonly stdio: Stdio;
  #reported: ProcessExit | undefined;
  #starting: Promise<void> | undefined;
  /** Who waits for the end, to be forgotten when they go. */
  readonly #waiting = new Set<(exit: ProcessExit) => void>();
  readonly #report: Promise<ProcessExit>;

  constructor(process: GuestProcess, io: ProcessIo, stdio: Stdio) {
    this.process = process;
    this.io = io;
    this.stdio = stdio;
    // Its end is told when its output has arrived: whoever hears of it may stop reading.
    this.#report = process.exited.then(async (exit) => {
      await this.#starting;
      await Promise.all([io.drain(), process.farewell?.()]);
      this.#reported = exit;
      for (const tell of this.#waiting) tell(exit);
      this.#waiting.clear();
      void io.finish();
      return exit;
    });
  }

  /** Runs `start`, which also tells of it: the end is not told before, however short the process lives. */
  async start(start: () => Promise<void>): Promise<void> {
    const starting = start();
    this.#starting = starting.catch(() => {});
    await starting;
  }

  /** Throws `failed-precondition` for one that was started before, whatever came of it. */
  expectNotStarted(): void {
    if (this.#starting !== undefined)
      throw new KataError('failed-precondition', `${this.process} was started already, it is ${this.process.state}`);
  }

  /** The end, once it may be told. */
  get reported(): ProcessExit | undefined {
    return this.#reported;
  }

  /** Resolves with the end when it may be told. */
  ended(): Promise<ProcessExit> {
    return this.#report;
  }

  /** The same for one caller, who may go before: then `cancelled` is thrown, and nothing of the caller is kept. */
  endedUnless(cancelled: Promise<void>): Promise<ProcessExit> {
    if (this.#reported !== undefined) return Promise.resolve(this.#reported);
    return new Promise((resolve, reject) => {
      this.#waiting.add(resolve);
      void cancelled.then(() => {
        if (this.#waiting.delete(resolve)) reject(new KataError('cancelled', 'nobody waits any more'));
      });
    });
  }

  /** By the guest's numbers; the shim's own where the agent cannot tell, since containerd takes 0 for no task. */
  get pid(): number {
    return this.process.pid || syscall(NR.getpid);
  }
}

/** A container as containerd sees it. */
export class Task {
  readonly container: Container;
  readonly init: TaskProcess;
  readonly execs = new Map<string, TaskProcess>();
  /** Its removal, once that has begun. */
  deletion: Promise<void> | undefined;

  constructor(container: Container, init: TaskProcess) {
    this.container = container;
    this.init = init;
  }
}
