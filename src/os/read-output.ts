import { KataError } from '../errors/kata-error.ts';
import { concatenate } from './bytes.ts';
import { read, setNonBlocking } from './fd.ts';
import { utf8Decode } from './utf8.ts';

const CHUNK_BYTES = 16384;

/**
 * What a program writes into a pipe until it ends, or until the descriptor is closed under it. About `maxBytes` are
 * kept; the rest is read all the same, so that the program is not held up, and dropped.
 */
export async function readOutput(fd: number, maxBytes = Number.MAX_SAFE_INTEGER): Promise<string> {
  setNonBlocking(fd);
  const chunks: Uint8Array[] = [];
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (let total = 0; ; ) {
    const count = await read(fd, buffer).catch((error: unknown) => {
      if (error instanceof KataError && error.code === 'cancelled') return 0;
      throw error;
    });
    if (count === 0) return utf8Decode(concatenate(chunks));
    if (total < maxBytes) chunks.push(buffer.slice(0, count));
    total += count;
  }
}
