import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { close, read } from '../../os/fd.ts';
import { NR } from '../../syscall/numbers.ts';
import type { ConsoleRing } from './console-ring.ts';

/** Reads a non-blocking descriptor, which it owns, into a ring of lines until it ends. */
export class LineCapture {
  readonly #fd: number;
  readonly #ring: ConsoleRing;
  readonly #buffer = new Uint8Array(16384);
  #closed = false;

  constructor(fd: number, ring: ConsoleRing) {
    this.#fd = fd;
    this.#ring = ring;
    void this.#pump();
  }

  async #pump(): Promise<void> {
    try {
      for (;;) {
        const count = await read(this.#fd, this.#buffer);
        if (count === 0) return;
        this.#ring.push(this.#buffer.subarray(0, count));
      }
    } catch (error) {
      // A closed or broken descriptor ends the lines. They explain other failures and are none by themselves.
      if (!(error instanceof KataError)) throw error;
    }
  }

  /** Takes what is there by now, without waiting: for the last words of a process that has just ended. */
  drain(): void {
    while (!this.#closed) {
      const count = syscall(NR.read, this.#fd, this.#buffer, this.#buffer.length);
      if (count <= 0) return;
      this.#ring.push(this.#buffer.subarray(0, count));
    }
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.drain();
    this.#closed = true;
    close(this.#fd);
  }
}
