import { KataError } from '../errors/kata-error.ts';
import type { ByteStream } from '../os/byte-stream.ts';
import { utf8Decode, utf8Encode } from '../os/utf8.ts';

/** `OK ` and the host's port, 32 bits. */
const MAX_ANSWER = 'OK 4294967295\n'.length;
const NEWLINE = 0x0a;

/**
 * Asks at the unix socket of a hybrid vsock (Firecracker's docs/vsock.md; Cloud Hypervisor and vhost-device-vsock have the
 * same) for a port of the guest. From then on `stream` is the connection to it; no byte of the guest's is taken. To limit
 * the time, close `stream`. On any failure the stream is of no use.
 * `unavailable`: the guest does not listen there, yet. `failed-precondition`: something else is at the socket.
 */
export async function connectHybridVsock(stream: ByteStream, port: number): Promise<void> {
  await stream.write(utf8Encode(`CONNECT ${port}\n`));
  const answer: number[] = [];
  while (answer.at(-1) !== NEWLINE && answer.length < MAX_ANSWER) {
    // Byte by byte: what stands behind the line is the guest's.
    const byte = await stream.read(1);
    if (byte === null) throw refused(port, answer);
    answer.push(...byte);
  }
  if (!/^OK \d+\n$/.test(utf8Decode(Uint8Array.from(answer)))) throw unexpected(port, answer);
}

function refused(port: number, answer: readonly number[]): KataError {
  if (answer.length > 0) return unexpected(port, answer);
  return new KataError('unavailable', `nobody in the guest listens on vsock port ${port}: the connection was closed`);
}

function unexpected(port: number, answer: readonly number[]): KataError {
  const found = JSON.stringify(utf8Decode(Uint8Array.from(answer)));
  return new KataError('failed-precondition', `"OK <port>" is expected for CONNECT ${port}, found ${found}`, {
    hint: 'see that the socket is that of a hybrid vsock',
  });
}
