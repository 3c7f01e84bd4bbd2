import { KataError } from '../../errors/kata-error.ts';
import { makeDirectories, removeTree } from '../../os/directory.ts';
import { close, O, open, read, tryRead, write } from '../../os/fd.ts';
import { makeFifo } from '../../os/file.ts';
import { forget, readable } from '../../os/loop.ts';
import type { Stdio } from '../../shim/process-io.ts';
import { openUserStream } from './user-stream.ts';

const CHUNK_BYTES = 262144;

/** What a process is connected to. */
export interface AttachOptions {
  /** Our standard input goes to it. */
  stdin: boolean;
  terminal: boolean;
  /** Its output is kept in these files as well. */
  keep?: { stdout: string; stderr: string } | undefined;
  /** Nobody reads its output any longer: called once. */
  onOutputLost(): void;
}

/** One output stream on its way from the shim's FIFO to the user. */
class OutputPump {
  readonly #fifo: number;
  readonly #targets: number[];
  readonly #done: Promise<void>;
  #ending = false;

  constructor(fifo: number, user: number, kept: number | undefined, onLost: () => void) {
    this.#fifo = fifo;
    this.#targets = [user, ...(kept === undefined ? [] : [kept])];
    this.#done = this.#run(onLost);
  }

  /** Resolves when what is in the FIFO now has gone to the user. */
  drain(): Promise<void> {
    this.#ending = true;
    forget(this.#fifo);
    return this.#done;
  }

  close(): void {
    close(this.#fifo);
    for (const fd of this.#targets) close(fd);
  }

  async #run(onLost: () => void): Promise<void> {
    const buffer = new Uint8Array(CHUNK_BYTES);
    let lost = false;
    for (;;) {
      const count = tryRead(this.#fifo, buffer);
      if (count === 0 || (count === null && this.#ending)) return;
      if (count === null) {
        await readable(this.#fifo).catch(() => {});
        continue;
      }
      for (const [index, fd] of this.#targets.entries()) {
        if (index === 0 && lost) continue;
        try {
          await write(fd, buffer.subarray(0, count));
        } catch (error) {
          if (KataError.from(error).code === 'cancelled') return;
          // The user's stream; a log that cannot be written (a full disk) does not stop the container either.
          if (index === 0) {
            lost = true;
            onLost();
          }
        }
      }
    }
  }
}

/** The FIFOs of one process, and what flows between them and our own standard streams. */
export class AttachedIo {
  /** What the shim is told. */
  readonly stdio: Stdio;
  readonly #directory: string;
  readonly #options: AttachOptions;
  readonly #outputs: [fifo: number, user: 1 | 2, kept: string | undefined][] = [];
  #pumps: OutputPump[] = [];
  #inputFd = -1;
  #userInputFd = -1;

  /** Makes the FIFOs in `directory`, which is made for them and removed by `close`. */
  constructor(directory: string, options: AttachOptions) {
    this.#directory = directory;
    this.#options = options;
    const { stdin, terminal, keep } = options;
    makeDirectories(directory, 0o700);
    const path = (name: string): string => {
      makeFifo(`${directory}/${name}`);
      return `${directory}/${name}`;
    };
    this.stdio = {
      stdin: stdin ? path('stdin') : '',
      stdout: path('stdout'),
      stderr: terminal ? '' : path('stderr'),
      terminal,
    };
    this.#outputs.push([this.#openFifo(this.stdio.stdout), 1, keep?.stdout]);
    if (!terminal) this.#outputs.push([this.#openFifo(this.stdio.stderr), 2, keep?.stderr]);
  }

  #openFifo(path: string): number {
    return open(path, O.RDONLY | O.NONBLOCK);
  }

  /** To be called when the shim has opened its ends: bytes begin to flow. */
  start(): void {
    for (const [fifo, user, kept] of this.#outputs.splice(0)) {
      const log = kept === undefined ? undefined : open(kept, O.WRONLY | O.CREAT | O.APPEND, 0o600);
      this.#pumps.push(new OutputPump(fifo, openUserStream(user), log, () => this.#options.onOutputLost()));
    }
    if (this.stdio.stdin !== '') void this.#pumpInput();
  }

  async #pumpInput(): Promise<void> {
    const buffer = new Uint8Array(65536);
    try {
      // Opened first: its closing, whenever that is, tells the process that there is no more.
      this.#inputFd = open(this.stdio.stdin, O.WRONLY | O.NONBLOCK);
      this.#userInputFd = openUserStream(0);
      for (;;) {
        const count = await read(this.#userInputFd, buffer);
        if (count === 0) break;
        await write(this.#inputFd, buffer.subarray(0, count));
      }
    } catch {
      // The process reads no more, our own terminal hung up, or all is being closed: no more input in any case.
    } finally {
      close(this.#inputFd);
      this.#inputFd = -1;
    }
  }

  /** Resolves when all that the process put out is with the user; to be called after its end was told. */
  async drain(): Promise<void> {
    await Promise.all(this.#pumps.map((pump) => pump.drain()));
  }

  /** Closes and removes everything, idempotent. */
  close(): void {
    for (const [fifo] of this.#outputs.splice(0)) close(fifo);
    for (const pump of this.#pumps.splice(0)) pump.close();
    close(this.#userInputFd);
    this.#userInputFd = -1;
    removeTree(this.#directory);
  }
}
