import { KataError } from '../errors/kata-error.ts';
import type { ByteStream } from '../os/byte-stream.ts';

/** One direction: a queue of chunks with an end. */
class Pipe {
  readonly #chunks: Uint8Array[] = [];
  #queuedBytes = 0;
  #ended = false;
  #broken = false;
  #onChange: (() => void)[] = [];
  readonly #capacityBytes: number;

  constructor(capacityBytes: number) {
    this.#capacityBytes = capacityBytes;
  }

  async read(max: number): Promise<Uint8Array | null> {
    while (this.#chunks.length === 0) {
      if (this.#ended || this.#broken) return null;
      await this.#change();
    }
    const first = this.#chunks.shift()!;
    const chunk = first.subarray(0, max);
    if (first.length > max) this.#chunks.unshift(first.subarray(max));
    this.#queuedBytes -= chunk.length;
    this.#changed();
    return chunk;
  }

  async write(chunks: Uint8Array[]): Promise<void> {
    if (this.#ended) throw new KataError('cancelled', 'the stream was closed');
    if (this.#broken) throw new KataError('unavailable', 'the peer is gone', { errno: 'EPIPE' });
    for (const chunk of chunks) {
      if (chunk.length === 0) continue;
      this.#chunks.push(chunk.slice());
      this.#queuedBytes += chunk.length;
    }
    this.#changed();
    while (this.#queuedBytes > this.#capacityBytes) {
      await this.#change();
      if (this.#ended) throw new KataError('cancelled', 'the stream was closed');
      if (this.#broken) throw new KataError('unavailable', 'the peer is gone', { errno: 'EPIPE' });
    }
  }

  /** The writer is done. */
  end(): void {
    this.#ended = true;
    this.#changed();
  }

  /** The reader is gone. */
  break(): void {
    this.#broken = true;
    this.#chunks.length = 0;
    this.#queuedBytes = 0;
    this.#changed();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#onChange.push(resolve));
  }

  #changed(): void {
    for (const resolve of this.#onChange.splice(0)) resolve();
  }
}

function end(input: Pipe, output: Pipe): ByteStream {
  return {
    read: (max = 65536) => input.read(max),
    write: (...chunks) => output.write(chunks),
    closeWrite: () => output.end(),
    close: () => {
      output.end();
      input.break();
    },
  };
}

/**
 * The two ends of a connection in memory, for tests.
 * @param capacityBytes how much one direction holds before a write waits, default 1 MiB
 */
export function memoryStreamPair(capacityBytes = 1 << 20): [ByteStream, ByteStream] {
  const there = new Pipe(capacityBytes);
  const back = new Pipe(capacityBytes);
  return [end(back, there), end(there, back)];
}
