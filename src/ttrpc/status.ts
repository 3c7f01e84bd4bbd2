import { type ErrorCode, KataError } from '../errors/kata-error.ts';

/** gRPC's number of each kind of failure, google.rpc.Code. 0 is success. */
export const STATUS: Readonly<Record<ErrorCode, number>> = {
  cancelled: 1,
  unknown: 2,
  'invalid-argument': 3,
  'deadline-exceeded': 4,
  'not-found': 5,
  'already-exists': 6,
  'permission-denied': 7,
  'resource-exhausted': 8,
  'failed-precondition': 9,
  aborted: 10,
  'out-of-range': 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  'data-loss': 15,
  unauthenticated: 16,
};

const CODES = new Map<number, ErrorCode>();
for (const [code, number] of Object.entries(STATUS)) CODES.set(number, code as ErrorCode);

/** The kind of failure with this number; a number that gRPC doesn't know is `unknown`. */
export function codeOfStatus(number: number): ErrorCode {
  return CODES.get(number) ?? 'unknown';
}

/** What a peer is told of a failure: the number of its kind, and the message with its hint. */
export function statusOf(error: KataError): { code: number; message: string } {
  return { code: STATUS[error.code], message: error.line };
}

/** A peer's failure as our error; the peer's hint is within the message. */
export function errorOfStatus(status: { code: number; message: string }): KataError {
  return new KataError(codeOfStatus(status.code), status.message);
}
