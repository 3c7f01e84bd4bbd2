import { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { Status } from '../protocols/gen/ttrpc.ts';
import { KeyValue, Status as StatusType } from '../protocols/gen/ttrpc.ts';
import { FRAME_TYPE, HEADER_BYTES, MAX_PAYLOAD_BYTES, writeHeader } from './frame.ts';

/** Tags of ttrpc.Request and ttrpc.Response: the number of the field, and its wire type. */
const REQUEST_SERVICE = (1 << 3) | 2;
const REQUEST_METHOD = (2 << 3) | 2;
const REQUEST_PAYLOAD = (3 << 3) | 2;
const REQUEST_TIMEOUT_NANO = 4 << 3;
const REQUEST_METADATA = (5 << 3) | 2;
const RESPONSE_STATUS = (1 << 3) | 2;
const RESPONSE_PAYLOAD = (2 << 3) | 2;

/** How many bytes the pieces of a payload have. */
export function totalBytes(pieces: readonly Uint8Array[]): number {
  let total = 0;
  for (const piece of pieces) total += piece.length;
  return total;
}

/** Where the frame's header will be, until its length is known. */
const NO_HEADER = new Uint8Array(HEADER_BYTES);

/**
 * The frame of a request, without its payload, which must follow it as it is: so a large one is never copied. (The
 * payload is the last field; protobuf leaves the order to the sender.) Null when it would be longer than a frame may be.
 */
export function requestHead(
  streamId: number,
  service: string,
  method: string,
  timeoutNano: bigint,
  metadata: Readonly<Record<string, string>> | undefined,
  payloadBytes: number,
): Uint8Array | null {
  const writer = new BinaryWriter().raw(NO_HEADER);
  writer.uint32(REQUEST_SERVICE).string(service).uint32(REQUEST_METHOD).string(method);
  if (timeoutNano !== 0n) writer.uint32(REQUEST_TIMEOUT_NANO).int64(timeoutNano);
  if (metadata !== undefined) {
    for (const key of Object.keys(metadata)) {
      KeyValue.encode({ key, value: metadata[key]! }, writer.uint32(REQUEST_METADATA).fork()).join();
    }
  }
  if (payloadBytes > 0) writer.uint32(REQUEST_PAYLOAD).uint32(payloadBytes);
  return finishHead(writer, streamId, FRAME_TYPE.request, payloadBytes);
}

/** The frame of a successful response, without its payload, which must follow it. Null when it would be too long. */
export function responseHead(streamId: number, payloadBytes: number): Uint8Array | null {
  const writer = new BinaryWriter().raw(NO_HEADER);
  if (payloadBytes > 0) writer.uint32(RESPONSE_PAYLOAD).uint32(payloadBytes);
  return finishHead(writer, streamId, FRAME_TYPE.response, payloadBytes);
}

/** The whole frame of a failure. */
export function failureFrame(streamId: number, status: Pick<Status, 'code' | 'message'>): Uint8Array {
  const writer = new BinaryWriter().raw(NO_HEADER);
  StatusType.encode(status, writer.uint32(RESPONSE_STATUS).fork()).join();
  return finishHead(writer, streamId, FRAME_TYPE.response, 0)!;
}

function finishHead(writer: BinaryWriter, streamId: number, type: number, payloadBytes: number): Uint8Array | null {
  const head = writer.finish();
  const length = head.length - HEADER_BYTES + payloadBytes;
  if (length > MAX_PAYLOAD_BYTES) return null;
  writeHeader(head, 0, length, streamId, type);
  return head;
}
