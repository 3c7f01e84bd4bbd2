import { addressOf, syscall } from 'sys';
import { KataError } from '../errors/kata-error.ts';
import { NR } from '../syscall/numbers.ts';
import type { ByteStream } from './byte-stream.ts';
import { check, ERRNO, isErrno } from './errno.ts';
import { close, read } from './fd.ts';
import { sendWithFds } from './fd-passing.ts';
import { writable } from './loop.ts';

const DEFAULT_READ = 65536;
const SHUT_WR = 1;
const IOV_MAX = 1024;

/**
 * A ByteStream over non-blocking descriptors: one for both directions (a socket, a port), or one each (two pipes).
 * It owns them. A closed peer is the end for a reader and `unavailable` for a writer.
 */
export class FdStream implements ByteStream {
  readonly #readFd: number;
  readonly #writeFd: number;
  #closed = false;
  #writeClosed = false;
  #buffer = new Uint8Array(DEFAULT_READ);
  #lastWrite: Promise<void> = Promise.resolve();

  constructor(readFd: number, writeFd: number = readFd) {
    this.#readFd = readFd;
    this.#writeFd = writeFd;
  }

  async read(max = DEFAULT_READ): Promise<Uint8Array | null> {
    if (this.#closed) return null;
    // One buffer for all reads: what arrives is copied out at its own size, which is small for most messages.
    if (this.#buffer.length < max) this.#buffer = new Uint8Array(max);
    try {
      const count = await read(this.#readFd, this.#buffer.subarray(0, max));
      return count === 0 ? null : this.#buffer.slice(0, count);
    } catch (error) {
      // EIO: the other side of a pseudo-terminal is closed. The peer's reset is an end as well; what it means, the
      // protocol above knows, which sees whether a message was cut.
      if (this.#closed || isErrno(error, 'EIO', 'ECONNRESET')) return null;
      throw error;
    }
  }

  write(...chunks: Uint8Array[]): Promise<void> {
    const written = this.#lastWrite.then(() => this.#writeAll(chunks));
    this.#lastWrite = written.catch(() => {});
    return written;
  }

  /** As `write`, with descriptors for whoever reads the other end of a unix socket; they stay open here. */
  writeWithFds(data: Uint8Array, fds: readonly number[]): Promise<void> {
    const written = this.#lastWrite.then(() => {
      if (this.#closed || this.#writeClosed) throw new KataError('cancelled', 'the stream was closed');
      return sendWithFds(this.#writeFd, data, fds);
    });
    this.#lastWrite = written.catch(() => {});
    return written;
  }

  async #writeAll(chunks: Uint8Array[]): Promise<void> {
    let rest = chunks.filter((chunk) => chunk.length > 0);
    while (rest.length > 0) {
      if (this.#closed || this.#writeClosed) throw new KataError('cancelled', 'the stream was closed');
      const count = this.#writeSome(rest);
      if (count === -ERRNO.EAGAIN) {
        await writable(this.#writeFd);
      } else if (count !== -ERRNO.EINTR) {
        rest = dropBytes(rest, check(count, 'write to the peer'));
      }
    }
  }

  #writeSome(chunks: Uint8Array[]): number {
    if (chunks.length === 1) return syscall(NR.write, this.#writeFd, chunks[0]!, chunks[0]!.length);
    const count = Math.min(chunks.length, IOV_MAX);
    const vector = new BigUint64Array(count * 2);
    for (let i = 0; i < count; i++) {
      vector[i * 2] = addressOf(chunks[i]!);
      vector[i * 2 + 1] = BigInt(chunks[i]!.length);
    }
    return syscall(NR.writev, this.#writeFd, vector, count);
  }

  closeWrite(): void {
    if (this.#closed || this.#writeClosed) return;
    this.#writeClosed = true;
    if (this.#readFd === this.#writeFd) syscall(NR.shutdown, this.#writeFd, SHUT_WR);
    else close(this.#writeFd);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    close(this.#readFd);
    if (this.#writeFd !== this.#readFd && !this.#writeClosed) close(this.#writeFd);
  }
}

function dropBytes(chunks: Uint8Array[], count: number): Uint8Array[] {
  let left = count;
  for (let i = 0; i < chunks.length; i++) {
    const chunk = chunks[i]!;
    if (left < chunk.length) return [chunk.subarray(left), ...chunks.slice(i + 1)];
    left -= chunk.length;
  }
  return [];
}
