import { KataError } from '../errors/kata-error.ts';
import type { ByteStream } from '../os/byte-stream.ts';
import type { DeepPartial } from '../protocols/codec.ts';
import { Response } from '../protocols/gen/ttrpc.ts';
import type { RequestOf, ResponseOf, ServiceDefinition } from '../protocols/service.ts';
import { requestHead, totalBytes } from './envelope.ts';
import { FRAME_TYPE, type Frame, FrameDecoder, MAX_PAYLOAD_BYTES } from './frame.ts';
import { errorOfStatus } from './status.ts';

/** How one call is made. */
export interface CallOptions {
  /** How long to wait for the answer, also told to the peer. Default: for as long as the connection lives. */
  timeoutMs?: number | undefined;
  /** Told to the peer beside the request. */
  metadata?: Readonly<Record<string, string>> | undefined;
  /** When it settles, the call throws `cancelled`. ttrpc cannot tell the peer: its work goes on, its answer is dropped. */
  cancelled?: Promise<unknown> | undefined;
}

interface Pending {
  readonly method: string;
  resolve(payload: Uint8Array): void;
  reject(error: KataError): void;
  timer: ReturnType<typeof setTimeout> | undefined;
}

const MAX_STREAM_ID = 0xffff_ffff;
/** The longest that a timer of Node can wait; a longer one would fire at once. */
const MAX_TIMER_MS = 0x7fff_ffff;
const NO_BYTES = new Uint8Array(0);

/**
 * The calling side of a ttrpc connection. It owns the stream. Any number of calls may be under way at once. A peer that
 * breaks the protocol loses the connection: every call under way throws `unavailable`.
 */
export class TtrpcClient {
  /** Settles when the connection is over: undefined when we closed it, else the reason. Never rejects. */
  readonly closed: Promise<KataError | undefined>;
  readonly #stream: ByteStream;
  readonly #peer: string;
  readonly #pending = new Map<number, Pending>();
  #nextStreamId: number;
  /** Why no further call is possible, once that is so. */
  #ended: KataError | undefined;
  #settleClosed: (reason: KataError | undefined) => void = () => {};

  /**
   * @param peer who is at the other end, for messages: "the agent of sandbox 3f…"
   * @param firstStreamId for a connection that another client began: its `nextStreamId`
   */
  constructor(stream: ByteStream, peer = 'the peer', firstStreamId = 1) {
    this.#stream = stream;
    this.#nextStreamId = firstStreamId;
    this.#peer = peer;
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
    void this.#receive();
  }

  /** The id of the stream that the next call opens. */
  get nextStreamId(): number {
    return this.#nextStreamId;
  }

  /**
   * One unary call: the response's payload, a view of what arrived. The request's payload comes in pieces, which must not
   * change until the call has settled. Throws the peer's status as a KataError,
   * `deadline-exceeded`, `cancelled`, `resource-exhausted` for a request over 4 MiB, or `unavailable` when the
   * connection is or goes down.
   */
  call(
    service: string,
    method: string,
    payload: readonly Uint8Array[],
    options: CallOptions = {},
  ): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      const timeoutMs = options.timeoutMs === Number.POSITIVE_INFINITY ? undefined : options.timeoutMs;
      if (timeoutMs !== undefined && !(timeoutMs > 0)) {
        reject(lateError(service, method, timeoutMs));
        return;
      }
      const timeoutNano = timeoutMs === undefined ? 0n : BigInt(Math.max(1, Math.round(timeoutMs * 1e6)));
      const streamId = this.#nextStreamId;
      const bytes = totalBytes(payload);
      const head = requestHead(streamId, service, method, timeoutNano, options.metadata, bytes);
      if (head === null) {
        reject(tooLong(`the request of ${service}/${method} has ${bytes} bytes`));
        return;
      }
      if (streamId + 2 > MAX_STREAM_ID) {
        const error = new KataError('unavailable', `ttrpc: every stream id of the connection to ${this.#peer} is used`);
        this.#end(error, error);
        reject(error);
        return;
      }
      this.#nextStreamId = streamId + 2;
      const pending: Pending = { method, resolve, reject, timer: undefined };
      this.#pending.set(streamId, pending);
      if (timeoutMs !== undefined) {
        pending.timer = setTimeout(
          () => this.#take(streamId)?.reject(lateError(service, method, timeoutMs)),
          Math.min(timeoutMs, MAX_TIMER_MS),
        );
      }
      if (options.cancelled !== undefined) {
        const cancel = () =>
          this.#take(streamId)?.reject(new KataError('cancelled', `${service}/${method}: cancelled`));
        options.cancelled.then(cancel, cancel);
      }
      this.#stream.write(head, ...payload).catch((error: unknown) => this.#lose(error));
    });
  }

  /** Ends the connection, idempotent. Calls under way throw `cancelled`. */
  close(): void {
    this.#end(new KataError('cancelled', `ttrpc: we closed the connection to ${this.#peer}`), undefined);
  }

  async #receive(): Promise<void> {
    const decoder = new FrameDecoder();
    const onFrame = (frame: Frame) => this.#onFrame(frame);
    try {
      while (this.#ended === undefined) {
        const chunk = await this.#stream.read();
        if (chunk === null) break;
        decoder.push(chunk, onFrame);
      }
      const where = decoder.midFrame ? ' in the middle of a message' : '';
      this.#fail(`connection closed by ${this.#peer}${where}`);
    } catch (error) {
      this.#lose(error);
    }
  }

  #onFrame(frame: Frame): void {
    if (this.#ended !== undefined) return;
    if (frame.type !== FRAME_TYPE.response && frame.type !== FRAME_TYPE.data) {
      this.#fail(`${this.#peer} sent a frame of type ${frame.type}, not a response (2)`);
      return;
    }
    const pending = this.#take(frame.streamId);
    if (pending === undefined) {
      // Late: its call has been given up. But nobody was ever asked on a stream that we didn't open.
      if (frame.streamId % 2 === 0 || frame.streamId >= this.#nextStreamId) {
        this.#fail(`${this.#peer} answered on stream ${frame.streamId}, which was never opened`);
      }
      return;
    }
    if (frame.payload === null) {
      pending.reject(tooLong(`the response of ${pending.method} has ${frame.length} bytes`));
      return;
    }
    if (frame.type === FRAME_TYPE.data) {
      const what = `${this.#peer} answered ${pending.method} with stream data, a single response was expected`;
      pending.reject(new KataError('internal', `ttrpc: ${what}`));
      return;
    }
    let response: Response;
    try {
      response = Response.decode(frame.payload);
    } catch (error) {
      this.#pending.set(frame.streamId, pending);
      this.#fail(`${this.#peer} answered ${pending.method} with bytes that are no ttrpc response`, error);
      return;
    }
    if (response.status !== undefined && response.status.code !== 0) pending.reject(errorOfStatus(response.status));
    else pending.resolve(response.payload ?? NO_BYTES);
  }

  /** The call on this stream, which is under way no longer. */
  #take(streamId: number): Pending | undefined {
    const pending = this.#pending.get(streamId);
    if (pending === undefined) return undefined;
    this.#pending.delete(streamId);
    if (pending.timer !== undefined) clearTimeout(pending.timer);
    return pending;
  }

  #fail(what: string, cause?: unknown): void {
    const error = new KataError('unavailable', `ttrpc: ${what}`, { cause });
    this.#end(error, error);
  }

  #lose(thrown: unknown): void {
    this.#fail(`connection to ${this.#peer} lost: ${KataError.from(thrown).message}`, thrown);
  }

  #end(error: KataError, reason: KataError | undefined): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    for (const streamId of [...this.#pending.keys()]) this.#take(streamId)?.reject(error);
    this.#stream.close();
    this.#settleClosed(reason);
  }
}

function lateError(service: string, method: string, timeoutMs: number): KataError {
  return new KataError('deadline-exceeded', `${service}/${method}: no answer within ${timeoutMs} ms`);
}

function tooLong(what: string): KataError {
  return new KataError('resource-exhausted', `ttrpc: ${what}, a message may have ${MAX_PAYLOAD_BYTES}`);
}

/** A service's methods as functions. What a request leaves out has its default. */
export type ServiceClient<D extends ServiceDefinition> = {
  readonly [K in keyof D['methods']]: (
    request: DeepPartial<RequestOf<D['methods'][K]>>,
    options?: CallOptions,
  ) => Promise<ResponseOf<D['methods'][K]>>;
};

/** The service at the other end of `client`, each method a function. They throw what `TtrpcClient.call` throws. */
export function createClient<D extends ServiceDefinition>(
  definition: D,
  client: Pick<TtrpcClient, 'call'>,
): ServiceClient<D> {
  const methods: Record<string, (request: DeepPartial<unknown>, options?: CallOptions) => Promise<unknown>> = {};
  const service = definition.fullName;
  for (const key of Object.keys(definition.methods)) {
    const { name, requestType, responseType } = definition.methods[key]!;
    methods[key] = async (request, options) => {
      const payload = await client.call(service, name, requestType.encodeChunks(request), options);
      try {
        return responseType.decode(payload);
      } catch (error) {
        throw new KataError('data-loss', `${service}/${name}: the answer is not a message of its type`, {
          cause: error,
        });
      }
    };
  }
  return methods as ServiceClient<D>;
}
