import { syscall } from 'sys';
import { NR } from '../syscall/numbers.ts';
import { check } from './errno.ts';
import { FdStream } from './fd-stream.ts';
import { connectSocket, type Listener, listenSocket } from './socket.ts';

const AF_INET = 2;
/** struct sockaddr_in. */
const SIZE = 16;

/** 127.0.0.1 and a port, as the kernel takes it (ip(7)). */
function loopbackAddress(port: number): Uint8Array {
  const address = new Uint8Array(SIZE);
  const fields = new DataView(address.buffer);
  fields.setUint16(0, AF_INET, true);
  fields.setUint16(2, port);
  address.set([127, 0, 0, 1], 4);
  return address;
}

/** A TCP connection to a port of this network namespace's loopback interface. `unavailable`: nobody listens. */
export async function connectLoopback(port: number): Promise<FdStream> {
  return new FdStream(await connectSocket(AF_INET, loopbackAddress(port), `port ${port} of 127.0.0.1`));
}

/** Listens at 127.0.0.1 on a port that is free. */
export function listenLoopback(): Listener {
  return listenSocket(AF_INET, loopbackAddress(0), 'a port of 127.0.0.1');
}

/** The port at which a connection came in. */
export function localPort(fd: number): number {
  const address = new Uint8Array(SIZE);
  check(syscall(NR.getsockname, fd, address, new Uint32Array([SIZE])), 'read the port of a connection');
  return new DataView(address.buffer).getUint16(2);
}
