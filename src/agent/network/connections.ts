import { KataError } from '../../errors/kata-error.ts';
import type { FdStream } from '../../os/fd-stream.ts';
import { connectLoopback } from '../../os/loopback.ts';

/** As many as this may be open at once. */
const LIMIT = 256;

/** TCP connections that the host has within the guest, each to a port at 127.0.0.1, by number. */
export class Connections {
  readonly #streams = new Map<number, FdStream>();
  #last = 0;

  /** Throws `unavailable` when nobody listens there, `resource-exhausted` when too many are open. */
  async open(port: number): Promise<number> {
    if (port < 1 || port > 65535) throw new KataError('invalid-argument', `a port is expected, found ${port}`);
    if (this.#streams.size >= LIMIT)
      throw new KataError('resource-exhausted', `${LIMIT} connections of the host are open already`);
    const stream = await connectLoopback(port);
    const number = ++this.#last;
    this.#streams.set(number, stream);
    return number;
  }

  /** The next bytes; none at the end. */
  async read(number: number): Promise<Uint8Array> {
    return (await this.#stream(number).read()) ?? new Uint8Array(0);
  }

  async write(number: number, data: Uint8Array): Promise<void> {
    await this.#stream(number).write(data);
  }

  /** Sends no more; with `whole` the connection is closed and forgotten. Idempotent. */
  end(number: number, whole: boolean): void {
    const stream = this.#streams.get(number);
    if (!whole) {
      stream?.closeWrite();
      return;
    }
    this.#streams.delete(number);
    stream?.close();
  }

  #stream(number: number): FdStream {
    const stream = this.#streams.get(number);
    if (stream === undefined) throw new KataError('not-found', `there is no connection ${number}`);
    return stream;
  }
}
