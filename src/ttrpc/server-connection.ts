import { type ErrorCode, KataError } from '../errors/kata-error.ts';
import type { ByteStream } from '../os/byte-stream.ts';
import { Request } from '../protocols/gen/ttrpc.ts';
import { Call } from './call.ts';
import { failureFrame, responseHead, totalBytes } from './envelope.ts';
import { FRAME_FLAG, FRAME_TYPE, type Frame, FrameDecoder, MAX_PAYLOAD_BYTES } from './frame.ts';
import type { Route, Routes } from './server.ts';
import { statusOf } from './status.ts';

/** So long a text in a status does any reader good; a longer one could exceed the frame. */
const MAX_MESSAGE_CHARACTERS = 16384;

/**
 * One connection of a server. What a caller does wrong is answered on its stream as containerd's server does: an even or
 * used stream id, data for a stream that isn't open, an unreadable request: `invalid-argument`; a frame over 4 MiB:
 * `resource-exhausted`, its bytes dropped. Frames of a type that ttrpc doesn't know are ignored.
 */
export class ServerConnection {
  readonly #stream: ByteStream;
  readonly #peer: string;
  readonly #services: Routes;
  readonly #maxConcurrent: number;
  readonly #calls = new Map<number, Call>();
  #lastStreamId = 0;
  /** Requests in work and answers that the kernel hasn't taken yet. */
  #active = 0;
  #onActiveLess: (() => void) | undefined;
  #failure: KataError | undefined;

  constructor(stream: ByteStream, peer: string, services: Routes, maxConcurrent: number) {
    this.#stream = stream;
    this.#peer = peer;
    this.#services = services;
    this.#maxConcurrent = maxConcurrent;
  }

  async run(): Promise<KataError | undefined> {
    const decoder = new FrameDecoder();
    const onFrame = (frame: Frame) => this.#onFrame(frame);
    try {
      for (;;) {
        const chunk = await this.#stream.read();
        if (chunk === null) break;
        decoder.push(chunk, onFrame);
        if (this.#active >= this.#maxConcurrent) await this.#untilActiveBelow(this.#maxConcurrent);
      }
      if (decoder.midFrame) this.#fail(`connection closed by ${this.#peer} in the middle of a message`);
    } catch (error) {
      this.#fail(`connection to ${this.#peer} lost: ${KataError.from(error).message}`, error);
    }
    // The caller may have ended its direction alone: what is in work is still answered. Whoever waits is told to stop.
    for (const call of this.#calls.values()) call.cancel();
    await this.#untilActiveBelow(1);
    this.#stream.close();
    return this.#failure;
  }

  #onFrame(frame: Frame): void {
    const { streamId, type } = frame;
    if (frame.payload === null) {
      const what = `the message has ${frame.length} bytes, it may have ${MAX_PAYLOAD_BYTES}`;
      this.#refuse(streamId, 'resource-exhausted', what);
      return;
    }
    if (streamId % 2 !== 1) {
      this.#refuse(streamId, 'invalid-argument', `a client's stream id is odd, found ${streamId}`);
      return;
    }
    if (type === FRAME_TYPE.data) this.#onData(frame);
    else if (type === FRAME_TYPE.request) this.#onRequest(streamId, frame.payload);
  }

  /** Every method is unary: a caller may end its side of the stream, but has nothing to send on it. */
  #onData(frame: Frame): void {
    const call = this.#calls.get(frame.streamId);
    if (call === undefined || call.answered) {
      this.#refuse(frame.streamId, 'invalid-argument', `stream ${frame.streamId} is not open`);
      return;
    }
    const halfClose = FRAME_FLAG.remoteClosed | FRAME_FLAG.noData;
    if ((frame.flags & halfClose) === halfClose && frame.length === 0) return;
    call.answered = true;
    call.cancel();
    const what = `${call.service}/${call.method} takes one request, found stream data`;
    this.#refuse(frame.streamId, 'invalid-argument', what);
  }

  #onRequest(streamId: number, payload: Uint8Array): void {
    if (streamId <= this.#lastStreamId) {
      const what = `a stream id is higher than the one before, ${this.#lastStreamId}, found ${streamId}`;
      this.#refuse(streamId, 'invalid-argument', what);
      return;
    }
    this.#lastStreamId = streamId;
    let request: Request;
    try {
      request = Request.decode(payload);
    } catch (error) {
      this.#refuse(streamId, 'invalid-argument', `not a ttrpc request: ${KataError.from(error).message}`);
      return;
    }
    const routes = this.#services.get(request.service);
    if (routes === undefined) {
      this.#refuse(streamId, 'unimplemented', `service ${request.service} is not served here`);
      return;
    }
    const route = routes.get(request.method);
    if (route === undefined) {
      const what = `method ${request.method} of service ${request.service} is not served here`;
      this.#refuse(streamId, 'unimplemented', what);
      return;
    }
    this.#dispatch(streamId, request, route);
  }

  #dispatch(streamId: number, request: Request, route: Route): void {
    let message: unknown;
    try {
      message = route.definition.requestType.decode(request.payload);
    } catch (error) {
      const what = `${request.service}/${request.method}: unreadable request: ${KataError.from(error).message}`;
      this.#refuse(streamId, 'invalid-argument', what);
      return;
    }
    const call = new Call(request, this.#peer);
    this.#calls.set(streamId, call);
    this.#active++;
    try {
      const result = route.handle(message, call);
      if (result instanceof Promise) {
        result.then(
          (response) => this.#answer(streamId, call, route, response),
          (error: unknown) => this.#answerError(streamId, call, error),
        );
      } else {
        this.#answer(streamId, call, route, result);
      }
    } catch (error) {
      this.#answerError(streamId, call, error);
    }
  }

  #answer(streamId: number, call: Call, route: Route, response: unknown): void {
    let payload: Uint8Array[];
    try {
      payload = route.definition.responseType.encodeChunks(response ?? {});
    } catch (error) {
      this.#answerError(streamId, call, KataError.wrap(error, `${call.service}/${call.method}: its answer`));
      return;
    }
    const bytes = totalBytes(payload);
    const head = responseHead(streamId, bytes);
    if (head === null) {
      const what = `the answer of ${call.service}/${call.method} has ${bytes} bytes, it may have`;
      this.#answerError(streamId, call, new KataError('resource-exhausted', `${what} ${MAX_PAYLOAD_BYTES}`));
      return;
    }
    this.#finish(streamId, call, [head, ...payload]);
  }

  #answerError(streamId: number, call: Call, thrown: unknown): void {
    this.#finish(streamId, call, [failure(streamId, KataError.from(thrown))]);
  }

  #finish(streamId: number, call: Call, chunks: Uint8Array[]): void {
    this.#calls.delete(streamId);
    if (call.answered) this.#activeLess();
    else this.#write(chunks);
  }

  /** Answers a frame that never became a call. */
  #refuse(streamId: number, code: ErrorCode, what: string): void {
    this.#active++;
    this.#write([failure(streamId, new KataError(code, `ttrpc: ${what}`))]);
  }

  #write(chunks: Uint8Array[]): void {
    this.#stream.write(...chunks).then(
      () => this.#activeLess(),
      (error: unknown) => {
        this.#fail(`connection to ${this.#peer} lost: ${KataError.from(error).message}`, error);
        this.#stream.close();
        this.#activeLess();
      },
    );
  }

  #activeLess(): void {
    this.#active--;
    this.#onActiveLess?.();
  }

  async #untilActiveBelow(limit: number): Promise<void> {
    while (this.#active >= limit) {
      await new Promise<void>((resolve) => {
        this.#onActiveLess = resolve;
      });
      this.#onActiveLess = undefined;
    }
  }

  #fail(what: string, cause?: unknown): void {
    this.#failure ??= new KataError('unavailable', `ttrpc: ${what}`, { cause });
  }
}

function failure(streamId: number, error: KataError): Uint8Array {
  const { code, message } = statusOf(error);
  return failureFrame(streamId, { code, message: message.slice(0, MAX_MESSAGE_CHARACTERS) });
}
