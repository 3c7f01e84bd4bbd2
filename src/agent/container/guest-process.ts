import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { close } from '../../os/fd.ts';
import { ChildProcess, type ExitStatus, type Forked } from '../../os/process.ts';
import { setWindowSize, type WindowSize } from '../../os/tty.ts';
import { NR } from '../../syscall/numbers.ts';
import type { ParentStdio } from './stdio.ts';

/** A process of a container: its first one or an exec. It owns our ends of its input and output. */
export class GuestProcess {
  readonly execId: string;
  /** Its pid as the guest's root namespace counts. */
  readonly pid: number;
  /** A descriptor of exactly this process; open until `exited` settles. */
  readonly pidfd: number;
  /** How it ended. Settles once, never rejects but for a bug. */
  readonly exited: Promise<ExitStatus>;
  #child: ChildProcess;
  #stdio: ParentStdio;

  constructor(execId: string, forked: Forked, stdio: ParentStdio) {
    this.execId = execId;
    this.pid = forked.pid;
    this.pidfd = forked.pidfd;
    this.#child = new ChildProcess(forked);
    this.#stdio = stdio;
    this.exited = this.#child.wait();
  }

  /** The end, if it is known by now. */
  get status(): ExitStatus | undefined {
    return this.#child.status;
  }

  get hasTerminal(): boolean {
    return this.#stdio.terminal;
  }

  /** Where its input is written: a pipe or the terminal. Non-blocking. -1 when closed. */
  get stdin(): number {
    return this.#stdio.stdin;
  }

  /** Where its output is read: a pipe or the terminal (the same descriptor as `stdin`). Non-blocking. -1 when closed. */
  get stdout(): number {
    return this.#stdio.stdout;
  }

  /** Where its errors are read; -1 with a terminal, or when closed. Non-blocking. */
  get stderr(): number {
    return this.#stdio.stderr;
  }

  /** Gives it the controlling end of the terminal that it opened by itself. */
  attachTerminal(fd: number): void {
    this.#stdio = { terminal: true, stdin: fd, stdout: fd, stderr: -1 };
  }

  /** Ends its input: a pipe is closed; a terminal stays, its end of input is a typed Ctrl-D. Idempotent. */
  closeStdin(): void {
    if (this.#stdio.terminal) return;
    close(this.#stdio.stdin);
    this.#stdio.stdin = -1;
  }

  /** Sets the terminal's size. `failed-precondition` without a terminal. */
  resize(size: WindowSize): void {
    if (!this.#stdio.terminal)
      throw new KataError('failed-precondition', `process ${this.execId || this.pid} is expected to have a terminal`);
    setWindowSize(this.#stdio.stdout, size);
  }

  /** Sends a signal to this process alone; whether it was there to get it. */
  kill(signal: number): boolean {
    return this.#child.kill(signal);
  }

  /** Closes our ends, whoever still holds the others: workers of the container may outlive this process. Idempotent. */
  closeStdio(): void {
    const { terminal, stdin, stdout, stderr } = this.#stdio;
    close(stdin);
    if (!terminal) close(stdout);
    close(stderr);
    this.#stdio = { terminal, stdin: -1, stdout: -1, stderr: -1 };
  }

  /** Whether it still runs, asked of the kernel: a zombie counts as ended. */
  get alive(): boolean {
    return this.status === undefined && syscall(NR.pidfd_send_signal, this.pidfd, 0, null, 0) === 0;
  }
}
