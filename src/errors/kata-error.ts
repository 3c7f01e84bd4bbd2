/**
 * What kind of failure it is. One word each, the words of gRPC's status codes, which containerd and the agent API use.
 * `STATUS` in `ttrpc/status.ts` maps them to numbers.
 */
export type ErrorCode =
  | 'cancelled'
  | 'unknown'
  | 'invalid-argument'
  | 'deadline-exceeded'
  | 'not-found'
  | 'already-exists'
  | 'permission-denied'
  | 'resource-exhausted'
  | 'failed-precondition'
  | 'aborted'
  | 'out-of-range'
  | 'unimplemented'
  | 'internal'
  | 'unavailable'
  | 'data-loss'
  | 'unauthenticated';

export interface KataErrorOptions {
  /** What to do next, one sentence. Shown after the message. */
  hint?: string | undefined;
  /** What made this happen. */
  cause?: unknown;
  /** The errno's name, when the kernel said no: `ENOENT`. */
  errno?: string | undefined;
}

/** The project's one error. The message says what was expected and what was found; the hint what to do next. */
export class KataError extends Error {
  override readonly name = 'KataError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly errno: string | undefined;

  constructor(code: ErrorCode, message: string, options: KataErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.errno = options.errno;
  }

  /** Whatever was thrown, as a KataError. An unknown error is `internal`: a bug of ours, not of the caller. */
  static from(thrown: unknown): KataError {
    if (thrown instanceof KataError) return thrown;
    if (thrown instanceof Error) return new KataError('internal', thrown.message, { cause: thrown });
    return new KataError('internal', String(thrown));
  }

  /** The same failure seen from one level up: `context: message`, keeping code, hint and errno. */
  static wrap(thrown: unknown, context: string): KataError {
    const inner = KataError.from(thrown);
    return new KataError(inner.code, `${context}: ${inner.message}`, {
      hint: inner.hint,
      errno: inner.errno,
      cause: inner,
    });
  }

  /** One line for a person: the message, then the hint. */
  get line(): string {
    return this.hint === undefined ? this.message : `${this.message} (${this.hint})`;
  }
}
