import type { Request } from '../protocols/gen/ttrpc.ts';

/** What a handler knows of the call beside its request. */
export interface CallContext {
  readonly service: string;
  readonly method: string;
  /** Who calls, as the listener named the connection. */
  readonly peer: string;
  /** What came beside the request. Keys are in lower case; of a key that came twice, the last counts. */
  readonly metadata: ReadonlyMap<string, string>;
  /** How long the caller will wait, counted from the arrival; undefined for no limit. */
  readonly timeoutMs: number | undefined;
  /** Whether the caller's connection is gone, so that nobody will hear the answer. */
  readonly isCancelled: boolean;
  /** Resolves when the caller's connection goes. A handler that waits for long must also wait for this. */
  readonly cancelled: Promise<void>;
}

/** One request being handled. */
export class Call implements CallContext {
  readonly peer: string;
  readonly #request: Request;
  #metadata: Map<string, string> | undefined;
  #isCancelled = false;
  #cancelled: Promise<void> | undefined;
  #resolveCancelled: () => void = () => {};
  /** Set when the stream was answered before the handler was done, because the caller broke the protocol on it. */
  answered = false;

  constructor(request: Request, peer: string) {
    this.#request = request;
    this.peer = peer;
  }

  get service(): string {
    return this.#request.service;
  }

  get method(): string {
    return this.#request.method;
  }

  get metadata(): ReadonlyMap<string, string> {
    this.#metadata ??= new Map(this.#request.metadata.map(({ key, value }) => [key.toLowerCase(), value]));
    return this.#metadata;
  }

  get timeoutMs(): number | undefined {
    const nano = this.#request.timeoutNano;
    return nano > 0n ? Number(nano) / 1e6 : undefined;
  }

  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  // Made on demand, one for each call: reactions to one promise of the connection would pile up for its whole life.
  get cancelled(): Promise<void> {
    this.#cancelled ??= this.#isCancelled
      ? Promise.resolve()
      : new Promise((resolve) => {
          this.#resolveCancelled = resolve;
        });
    return this.#cancelled;
  }

  cancel(): void {
    this.#isCancelled = true;
    this.#resolveCancelled();
  }
}
