import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import type { ByteStream } from '../../os/byte-stream.ts';
import { concatenate } from '../../os/bytes.ts';
import { check, ERRNO } from '../../os/errno.ts';
import { forget, readable, writable } from '../../os/loop.ts';
import { sleep } from '../../os/timer.ts';
import { NR } from '../../syscall/numbers.ts';

const DEFAULT_READ = 65536;
/** The driver copies at most this much of one write(2) into a buffer of its own. */
const MAX_WRITE = 32768;
/** How long the news that the host is there may come after its first words: they go by different queues. */
const OPEN_NEWS_MS = 50;

/**
 * The time from when the host opens a virtio-serial port until it closes it, as a stream. The port itself stays open:
 * a read of it gives 0 while nobody is at the host's end, which is the end of a session that has begun, and a reason
 * to wait before. A host that hangs up and is back before the guest has looked is not told from one that stayed.
 */
export class PortSession implements ByteStream {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(DEFAULT_READ);
  /** The host has said something. */
  #begun = false;
  /** The guest knows by now that the host is there, or has waited for the news. */
  #seenOpen = false;
  #closed = false;
  #lastWrite: Promise<void> = Promise.resolve();

  constructor(fd: number) {
    this.#fd = fd;
  }

  async read(max = DEFAULT_READ): Promise<Uint8Array | null> {
    while (!this.#closed) {
      const count = syscall(NR.read, this.#fd, this.#buffer, Math.min(max, this.#buffer.length));
      if (count > 0) {
        this.#begun = true;
        return this.#buffer.slice(0, count);
      }
      if (count === -ERRNO.EAGAIN) {
        this.#seenOpen = true;
        await this.#until(readable);
      } else if (count === 0 && !this.#begun) {
        await this.#until(readable);
      } else if (count === 0 && !this.#seenOpen) {
        this.#seenOpen = true;
        await sleep(OPEN_NEWS_MS);
      } else if (count === 0) {
        // The next session must not get what this one has still to write.
        this.close();
      } else if (count !== -ERRNO.EINTR) {
        check(count, 'read the agent port');
      }
    }
    return null;
  }

  write(...chunks: Uint8Array[]): Promise<void> {
    const written = this.#lastWrite.then(() => this.#writeAll(chunks));
    this.#lastWrite = written.catch(() => {});
    return written;
  }

  async #writeAll(chunks: Uint8Array[]): Promise<void> {
    // The driver has no writev: a head and a small body travel as one message instead of two.
    const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const pieces = total <= MAX_WRITE ? [concatenate(chunks)] : chunks;
    for (const piece of pieces) {
      let rest = piece;
      while (rest.length > 0) {
        if (this.#closed) throw new KataError('cancelled', 'the agent port was closed by the host');
        const count = syscall(NR.write, this.#fd, rest, Math.min(rest.length, MAX_WRITE));
        if (count === -ERRNO.EAGAIN) await this.#until(writable);
        else if (count !== -ERRNO.EINTR) rest = rest.subarray(check(count, 'write to the agent port'));
      }
    }
  }

  async #until(ready: (fd: number) => Promise<void>): Promise<void> {
    try {
      await ready(this.#fd);
    } catch (error) {
      if (!this.#closed) throw error;
    }
  }

  /** A port has one direction or both, the driver cannot end one. */
  closeWrite(): void {}

  /** Ends the session; the port stays open. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    forget(this.#fd);
  }
}
