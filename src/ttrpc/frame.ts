/**
 * ttrpc's framing, PROTOCOL.md of containerd/ttrpc: a header of 10 bytes (u32 length, u32 stream, u8 type, u8 flags, big
 * endian), then the payload.
 */
export const HEADER_BYTES = 10;
/** The longest payload of a frame, 4 MiB. */
export const MAX_PAYLOAD_BYTES = 4 << 20;

/** What a frame is. */
export const FRAME_TYPE = { request: 1, response: 2, data: 3 } as const;

/** What a frame says about its stream, seen from who receives it. */
export const FRAME_FLAG = {
  /** The sender will send no more on this stream. */
  remoteClosed: 1,
  /** The sender of a request will send data frames. */
  remoteOpen: 2,
  /** A data frame that carries nothing, not even an empty message. */
  noData: 4,
} as const;

/** A frame as it arrived. `payload` is null when it was longer than the limit: its bytes are dropped unread. */
export interface Frame {
  readonly streamId: number;
  readonly type: number;
  readonly flags: number;
  readonly length: number;
  readonly payload: Uint8Array | null;
}

/** The header of a frame, at `bytes[offset]`. */
export function writeHeader(
  bytes: Uint8Array,
  offset: number,
  length: number,
  streamId: number,
  type: number,
  flags = 0,
): void {
  writeUint32(bytes, offset, length);
  writeUint32(bytes, offset + 4, streamId);
  bytes[offset + 8] = type;
  bytes[offset + 9] = flags;
}

function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}

function readUint32(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!) >>> 0;
}

/**
 * Cuts a stream of bytes into frames. A payload that lies in one chunk is a view of it; one that doesn't is copied once,
 * into memory of its size.
 */
export class FrameDecoder {
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerFilled = 0;
  /** The payload being gathered; null when there is none or when it is dropped. */
  #payload: Uint8Array | null = null;
  #payloadFilled = 0;
  /** Bytes of an over-long payload still to be dropped. */
  #dropBytes = 0;

  /** Whether the bytes so far end within a frame: an end of the stream now is a loss. */
  get midFrame(): boolean {
    return this.#headerFilled > 0 || this.#payload !== null || this.#dropBytes > 0;
  }

  /**
   * Takes the next bytes of the stream and hands over each frame that they complete. An over-long frame is handed over
   * when its header is complete. The chunk belongs to the decoder from now on.
   */
  push(chunk: Uint8Array, onFrame: (frame: Frame) => void): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#dropBytes > 0) {
        const dropped = Math.min(this.#dropBytes, chunk.length - at);
        this.#dropBytes -= dropped;
        at += dropped;
      } else if (this.#payload !== null) {
        at = this.#gather(chunk, at, onFrame);
      } else if (this.#headerFilled === 0 && chunk.length - at >= HEADER_BYTES) {
        at = this.#start(chunk, at, chunk, at + HEADER_BYTES, onFrame);
      } else {
        this.#header[this.#headerFilled++] = chunk[at++]!;
        if (this.#headerFilled === HEADER_BYTES) at = this.#start(this.#header, 0, chunk, at, onFrame);
      }
    }
  }

  /** A header is complete; its payload begins at `chunk[at]`. */
  #start(header: Uint8Array, offset: number, chunk: Uint8Array, at: number, onFrame: (frame: Frame) => void): number {
    const length = readUint32(header, offset);
    if (length > MAX_PAYLOAD_BYTES) {
      this.#headerFilled = 0;
      this.#dropBytes = length;
      onFrame(frameOf(header, offset, length, null));
      return at;
    }
    if (chunk.length - at >= length) {
      this.#headerFilled = 0;
      onFrame(frameOf(header, offset, length, chunk.subarray(at, at + length)));
      return at + length;
    }
    if (header !== this.#header) this.#header.set(header.subarray(offset, offset + HEADER_BYTES));
    this.#headerFilled = HEADER_BYTES;
    this.#payload = new Uint8Array(length);
    this.#payloadFilled = 0;
    return at;
  }

  #gather(chunk: Uint8Array, at: number, onFrame: (frame: Frame) => void): number {
    const payload = this.#payload!;
    const end = Math.min(chunk.length, at + payload.length - this.#payloadFilled);
    payload.set(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end), this.#payloadFilled);
    this.#payloadFilled += end - at;
    if (this.#payloadFilled === payload.length) {
      this.#payload = null;
      this.#headerFilled = 0;
      onFrame(frameOf(this.#header, 0, payload.length, payload));
    }
    return end;
  }
}

function frameOf(header: Uint8Array, offset: number, length: number, payload: Uint8Array | null): Frame {
  return {
    streamId: readUint32(header, offset + 4),
    type: header[offset + 8]!,
    flags: header[offset + 9]!,
    length,
    payload,
  };
}
