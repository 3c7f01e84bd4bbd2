import { KataError } from '../../errors/kata-error.ts';
import { GUEST_CONSOLE } from '../../oci/guest-console.ts';
import { openPty } from '../../os/pty.ts';
import { SIGNAL } from '../../os/signal.ts';
import type { ExecOptions } from '../container/container-options.ts';
import type { GuestProcess } from '../container/guest-process.ts';
import { launch, untilExecuted } from '../container/launch.ts';
import { planProcess } from '../container/plan-process.ts';
import { pipeStdio, terminalStdio } from '../container/stdio.ts';
import { EndedExecs } from '../process/ended-execs.ts';
import { ProcessRecord } from '../process/process-record.ts';
import { runConsoleChild } from './console-child.ts';

/**
 * The guest's debug console: programs, mostly a shell, beside the agent and in its own namespaces, with all of its rights.
 * The host brings the program, since this guest has none; it is there only when the kernel's command line says
 * `agent.debug_console`. For the agent API it is a container that has execs alone.
 *
 * Unlike Kata: no port is listened at, so nothing in the guest or beside it reaches the console; the agent's own channel
 * does.
 */
export class DebugConsole {
  readonly #records = new Map<string, ProcessRecord>();
  readonly #ended = new EndedExecs();

  get container(): DebugConsole {
    return this;
  }

  get id(): string {
    return GUEST_CONSOLE;
  }

  has(execId: string): boolean {
    return this.#records.has(execId);
  }

  execIdOf(name: string): string {
    return name;
  }

  /** `not-found` when there is no such process. */
  record(execId: string): ProcessRecord {
    const record = this.#records.get(execId);
    if (record !== undefined) return record;
    throw new KataError('not-found', `the debug console has no process ${JSON.stringify(execId)}`);
  }

  async exec({ execId, process }: ExecOptions): Promise<GuestProcess> {
    const plan = planProcess(process, undefined, undefined);
    const stdio = plan.terminal ? terminalStdio(openPty('/dev/pts/ptmx')) : pipeStdio();
    const launched = launch(execId, {}, stdio, (channel, fds) => runConsoleChild(plan, fds, channel));
    await untilExecuted(launched);
    return launched.process;
  }

  addExec(process: GuestProcess): void {
    const record = new ProcessRecord(process);
    this.#records.set(process.execId, record);
    record.exited.then(() => {
      this.#ended.add(process.execId, record);
      for (const execId of this.#ended.takeSurplus()) this.#forget(execId);
    });
  }

  signal(execId: string, signal: number): void {
    if (!this.record(execId).process.kill(signal))
      throw new KataError('not-found', `process ${execId} of the debug console has ended`, { errno: 'ESRCH' });
  }

  /**
   * Whoever had the console is gone. A terminal has no end of input: its shell is killed, and the kernel hangs up on what else
   * runs there. Without a terminal the shell reads to the end by itself.
   */
  hangUp(execId: string): void {
    const { process } = this.record(execId);
    if (process.hasTerminal) process.kill(SIGNAL.KILL);
  }

  signalAll(signal: number): void {
    for (const { process } of this.#records.values()) process.kill(signal);
  }

  /** Ends what runs there; it goes with its sandbox. */
  close(): void {
    this.signalAll(SIGNAL.KILL);
  }

  #forget(execId: string): void {
    this.#records.get(execId)?.process.closeStdio();
    this.#records.delete(execId);
  }
}
