import type { Timestamp } from '../protocols/gen/google/protobuf/timestamp.ts';

const NS_PER_S = 1_000_000_000n;

/** Nanoseconds since 1970 as protobuf's Timestamp. */
export function timestampOf(ns: bigint): Timestamp {
  return { seconds: ns / NS_PER_S, nanos: Number(ns % NS_PER_S) };
}
