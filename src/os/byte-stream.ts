/**
 * Bytes in both directions with back-pressure: what ttrpc, QMP and the agent's port are spoken over. The interface is
 * pure, so that protocols can be tested under Node with a pair in memory.
 */
export interface ByteStream {
  /** The next bytes, at least one and at most `max` (default 64 KiB); null at the end. One reader at a time. */
  read(max?: number): Promise<Uint8Array | null>;
  /** Resolves when every byte is the kernel's. Chunks of one call stay together; calls are written in their order. */
  write(...chunks: Uint8Array[]): Promise<void>;
  /** Ends our direction; the other goes on. */
  closeWrite(): void;
  /** Ends both directions, idempotent. A pending read answers null, a pending write throws `cancelled`. */
  close(): void;
}
