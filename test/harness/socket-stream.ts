import type net from 'node:net';
import { KataError } from '../../src/errors/kata-error.ts';
import type { ByteStream } from '../../src/os/byte-stream.ts';

/** A connected socket of Node's as a ByteStream: end-to-end tests speak through it with real peers. */
export function socketStream(socket: net.Socket): ByteStream {
  let wake = () => {};
  let failure: Error | undefined;
  let isOver = false;
  socket.on('readable', () => wake());
  socket.on('end', () => {
    isOver = true;
    wake();
  });
  socket.on('close', () => {
    isOver = true;
    wake();
  });
  socket.on('error', (error) => {
    failure = error;
    wake();
  });
  return {
    async read(max = 65536) {
      for (;;) {
        const waiting = socket.readableLength;
        const chunk: Uint8Array | null = waiting > 0 ? socket.read(Math.min(max, waiting)) : socket.read();
        if (chunk !== null) return chunk;
        if (failure !== undefined) throw new KataError('unavailable', failure.message, { cause: failure });
        if (isOver) return null;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    write: (...chunks) =>
      new Promise((resolve, reject) => {
        socket.cork();
        chunks.forEach((chunk, index) => {
          const isLast = index === chunks.length - 1;
          socket.write(chunk, (error) => {
            if (error) reject(new KataError('unavailable', error.message, { cause: error }));
            else if (isLast) resolve();
          });
        });
        socket.uncork();
      }),
    closeWrite: () => socket.end(),
    close: () => socket.destroy(),
  };
}
