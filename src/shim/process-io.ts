import { KataError } from '../errors/kata-error.ts';
import { close, tryRead, write } from '../os/fd.ts';
import { forget, readable } from '../os/loop.ts';
import { after, sleep } from '../os/timer.ts';
import type { GuestProcess } from '../sandbox/process.ts';
import { type OutputTarget, openInput, openOutputs } from './stdio-target.ts';

/** Where a process's standard streams are, as containerd says it: FIFO paths or URIs, '' for none. */
export interface Stdio {
  stdin: string;
  stdout: string;
  stderr: string;
  terminal: boolean;
}

const INPUT_CHUNK_BYTES = 65536;
/**
 * After a process ended, its output is drained to the end. Its children may hold the pipes open for ever, though: then
 * quiet for this long counts as the end (upstream hangs here), if the agent answers meanwhile: a guest on a busy host may be
 * that slow.
 */
const QUIET_MS = 100;
/** What an agent that answers has read before is on its way by then. */
const ANSWERED_MS = 30;
/** A reader that takes nothing may hold back the news of the exit for this long. */
const STUCK_READER_MS = 10_000;
/**
 * More than pipes hold (a guest's at most 1 MiB, and what is on its way) was written after the end: by children that go on
 * writing, or by a guest that never stops.
 */
const DRAIN_BYTES = 4 << 20;
const DRAIN_POLL_MS = 10;

/** One output stream on its way from the guest to its target. */
class OutputPump {
  state: 'reading' | 'writing' | 'done' = 'reading';
  /** Counts the steps, to tell whether anything moves. */
  steps = 0;
  bytes = 0;
  /** Resolves when nothing more will come. */
  readonly finished: Promise<void>;
  #fd: number;

  constructor(process: GuestProcess, stream: 'stdout' | 'stderr', fd: number, report: (message: string) => void) {
    this.#fd = fd;
    this.finished = this.#run(process, stream)
      .catch((error: unknown) => {
        if (KataError.from(error).code !== 'cancelled')
          report(`${stream} of ${process}: ${KataError.from(error).line}`);
      })
      .finally(() => {
        this.state = 'done';
      });
  }

  /** The target is about to be closed: what still comes is dropped. */
  detach(): void {
    this.#fd = -1;
  }

  async #run(process: GuestProcess, stream: 'stdout' | 'stderr'): Promise<void> {
    let broken = false;
    for (;;) {
      this.state = 'reading';
      const data = await process.readOutput(stream);
      if (data === null) return;
      this.steps++;
      this.bytes += data.length;
      this.state = 'writing';
      // A target that takes no more (a full disk, a logger that ended) does not stop the container: its output is dropped.
      if (this.#fd >= 0 && !broken) {
        try {
          await write(this.#fd, data);
        } catch (error) {
          if (KataError.from(error).code === 'cancelled') throw error;
          broken = true;
        }
      }
      this.steps++;
    }
  }
}

/** The standard streams of one process between the guest and what containerd named. */
export class ProcessIo {
  readonly stdio: Stdio;
  readonly #process: GuestProcess;
  readonly #targets: OutputTarget;
  readonly #report: (message: string) => void;
  #inputFd: number;
  #inputEnding = false;
  #pumps: OutputPump[] = [];
  #closed = false;

  private constructor(
    process: GuestProcess,
    stdio: Stdio,
    targets: OutputTarget,
    inputFd: number,
    report: (message: string) => void,
  ) {
    this.#process = process;
    this.stdio = stdio;
    this.#targets = targets;
    this.#inputFd = inputFd;
    this.#report = report;
  }

  /** Opens everything that containerd named; nothing is read yet. Throws with the path that could not be opened. */
  static async open(
    process: GuestProcess,
    stdio: Stdio,
    namespace: string,
    report: (message: string) => void,
  ): Promise<ProcessIo> {
    const identity = { containerId: process.containerId, namespace };
    const targets = await openOutputs(stdio.stdout, stdio.terminal ? '' : stdio.stderr, identity);
    try {
      return new ProcessIo(process, stdio, targets, openInput(stdio.stdin), report);
    } catch (error) {
      closeTargets(targets);
      throw error;
    }
  }

  /** The process runs: bytes begin to flow. */
  start(): void {
    this.#pumps = [new OutputPump(this.#process, 'stdout', this.#targets.stdout, this.#report)];
    if (!this.stdio.terminal)
      this.#pumps.push(new OutputPump(this.#process, 'stderr', this.#targets.stderr, this.#report));
    this.#pumpInput().catch((error: unknown) => {
      const { code, line } = KataError.from(error);
      // A process that ended, or closed its input, is the normal end of it.
      if (!['cancelled', 'unavailable', 'not-found', 'failed-precondition'].includes(code))
        this.#report(`stdin of ${this.#process}: ${line}`);
    });
  }

  /** No more input will come (CloseIO): what is in the FIFO still goes in, then the process sees the end. */
  endInput(): void {
    if (this.#inputEnding) return;
    this.#inputEnding = true;
    // Whoever waits for more is woken, and finds out.
    if (this.#inputFd >= 0) forget(this.#inputFd);
  }

  /** Resolves when all output that will come is with its target, or nobody can be waited for any longer. */
  async drain(): Promise<void> {
    const finished = Promise.all(this.#pumps.map((pump) => pump.finished));
    await Promise.race([finished, this.#untilHopeless()]);
  }

  /** Resolves when no pump moves any more, or when what comes has no end; in any case once all are done. */
  async #untilHopeless(): Promise<void> {
    let steps = -1;
    let stillMs = 0;
    let asked = false;
    const total = () => this.#pumps.reduce((sum, pump) => sum + pump.bytes, 0);
    const enough = total() + DRAIN_BYTES * this.#pumps.length;
    while (this.#pumps.some((pump) => pump.state !== 'done')) {
      const now = this.#pumps.reduce((sum, pump) => sum + pump.steps, 0);
      stillMs = now === steps ? stillMs + DRAIN_POLL_MS : 0;
      steps = now;
      const writing = this.#pumps.some((pump) => pump.state === 'writing');
      if (total() > enough) return;
      if (stillMs >= (writing ? STUCK_READER_MS : asked ? ANSWERED_MS : QUIET_MS)) {
        if (writing || asked || !(await this.#agentAnswers())) return;
        // What it had to say before its answer comes within the next steps.
        asked = true;
        stillMs = 0;
      } else if (stillMs === 0) asked = false;
      await sleep(DRAIN_POLL_MS);
    }
  }

  async #agentAnswers(): Promise<boolean> {
    try {
      await this.#process.agentAnswers(STUCK_READER_MS);
      return true;
    } catch {
      return false;
    }
  }

  /** Closes everything, idempotent. A logger gets to see the end of its streams and ends by itself. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const pump of this.#pumps) pump.detach();
    close(this.#inputFd);
    this.#inputFd = -1;
    closeTargets(this.#targets);
  }

  async #pumpInput(): Promise<void> {
    const buffer = new Uint8Array(INPUT_CHUNK_BYTES);
    // A FIFO that no writer has opened yet reads as ended: the first edge says that one is there.
    if (this.#inputFd >= 0 && !this.#inputEnding) await this.#inputEvent();
    for (;;) {
      const count = this.#inputFd < 0 ? 0 : await this.#readInput(buffer);
      if (count === 0) break;
      await this.#process.writeInput(buffer.subarray(0, count));
    }
    if (!this.stdio.terminal || this.#inputFd >= 0) await this.#process.closeInput();
  }

  /** The next input; 0 at the end: of the FIFO, or of what was in it when CloseIO came. */
  async #readInput(buffer: Uint8Array): Promise<number> {
    for (;;) {
      if (this.#inputFd < 0) return 0;
      const count = tryRead(this.#inputFd, buffer);
      if (count !== null) return count;
      if (this.#inputEnding) return 0;
      await this.#inputEvent();
    }
  }

  async #inputEvent(): Promise<void> {
    try {
      await readable(this.#inputFd);
    } catch (error) {
      if (!this.#inputEnding) throw error;
    }
  }
}

function closeTargets({ stdout, stderr, logger }: OutputTarget): void {
  close(stdout);
  close(stderr);
  if (logger !== undefined) {
    const giveUp = after(STUCK_READER_MS, () => logger.kill(9));
    void logger.wait().finally(giveUp);
  }
}
