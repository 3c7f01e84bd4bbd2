import { syscall } from 'sys';
import { KataError } from '../errors/kata-error.ts';
import { NR } from '../syscall/numbers.ts';
import { check, ERRNO, systemError } from './errno.ts';
import { close, O } from './fd.ts';
import { FdStream } from './fd-stream.ts';
import { readable, writable } from './loop.ts';
import { utf8Encode } from './utf8.ts';

const AF_UNIX = 1;
const AF_VSOCK = 40;
const SOCK_STREAM = 1;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const SO_PEERCRED = 17;
/** sun_path of `struct sockaddr_un`, the final NUL included. */
const UNIX_PATH_MAX = 108;
/** Any CID, for a listener (vsock(7)). */
export const VMADDR_CID_ANY = 0xffffffff;
/** The host, seen from a guest. */
export const VMADDR_CID_HOST = 2;

function unixAddress(path: string): Uint8Array {
  const name = utf8Encode(path);
  if (name.length >= UNIX_PATH_MAX)
    throw new KataError('invalid-argument', `a socket path of at most 107 bytes is expected, found ${path}`, {
      hint: 'choose a shorter folder',
    });
  const address = new Uint8Array(2 + name.length + 1);
  address[0] = AF_UNIX;
  address.set(name, 2);
  return address;
}

function vsockAddress(cid: number, port: number): Uint8Array {
  const address = new Uint8Array(16);
  const fields = new DataView(address.buffer);
  fields.setUint16(0, AF_VSOCK, true);
  fields.setUint32(4, port, true);
  fields.setUint32(8, cid, true);
  return address;
}

function newSocket(family: number): number {
  return check(syscall(NR.socket, family, SOCK_STREAM | O.NONBLOCK | O.CLOEXEC, 0), 'create a socket');
}

/** Connects a new stream socket of this family to an address; the descriptor is the caller's. `what` names it in errors. */
export async function connectSocket(family: number, address: Uint8Array, what: string): Promise<number> {
  const fd = newSocket(family);
  try {
    // EAGAIN is a unix socket's full backlog: there is nothing to wait for, the caller may try again.
    const result = syscall(NR.connect, fd, address, address.length);
    if (result === -ERRNO.EINPROGRESS) {
      await writable(fd);
      const value = new Int32Array(1);
      syscall(NR.getsockopt, fd, SOL_SOCKET, SO_ERROR, value, new Uint32Array([4]));
      if (value[0] !== 0) throw systemError(-value[0]!, `connect to ${what}`);
    } else {
      check(result, `connect to ${what}`);
    }
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}

/** A connection to a unix stream socket. `not-found`: no such path; `unavailable`: nobody listens. */
export async function connectUnix(path: string): Promise<FdStream> {
  return new FdStream(await connectUnixFd(path));
}

/** As `connectUnix`, as a descriptor, the caller's: for who sends descriptors over it. */
export function connectUnixFd(path: string): Promise<number> {
  return connectSocket(AF_UNIX, unixAddress(path), path);
}

/** A connection over vsock(7). */
export async function connectVsock(cid: number, port: number): Promise<FdStream> {
  return new FdStream(await connectSocket(AF_VSOCK, vsockAddress(cid, port), `vsock ${cid}:${port}`));
}

/** A listening socket. `accept` gives connections, `close` ends it; a waiting accept then throws `cancelled`. */
export class Listener {
  readonly fd: number;

  constructor(fd: number) {
    this.fd = fd;
  }

  /** The next connection. */
  async accept(): Promise<FdStream> {
    return new FdStream(await this.acceptFd());
  }

  /** The next connection as a descriptor, the caller's: for who looks at the peer first. */
  async acceptFd(): Promise<number> {
    for (;;) {
      const fd = syscall(NR.accept4, this.fd, null, null, O.NONBLOCK | O.CLOEXEC);
      if (fd >= 0) return fd;
      if (fd === -ERRNO.EAGAIN) await readable(this.fd);
      else if (fd !== -ERRNO.EINTR && fd !== -ERRNO.ECONNABORTED) throw systemError(fd, 'accept a connection');
    }
  }

  close(): void {
    close(this.fd);
  }
}

/** Listens on a new stream socket of this family at an address, which `what` names in errors. */
export function listenSocket(family: number, address: Uint8Array, what: string): Listener {
  const fd = newSocket(family);
  try {
    check(syscall(NR.bind, fd, address, address.length), `bind ${what}`);
    check(syscall(NR.listen, fd, 128), `listen on ${what}`);
    return new Listener(fd);
  } catch (error) {
    close(fd);
    throw error;
  }
}

/** Listens on a unix stream socket at `path`, created with `mode`. An existing path is `EADDRINUSE`. */
export function listenUnix(path: string, mode = 0o600): Listener {
  const before = syscall(NR.umask, ~mode & 0o777);
  try {
    return listenSocket(AF_UNIX, unixAddress(path), path);
  } finally {
    syscall(NR.umask, before);
  }
}

/** Listens on vsock(7) `port` for any peer. */
export function listenVsock(port: number): Listener {
  return listenSocket(AF_VSOCK, vsockAddress(VMADDR_CID_ANY, port), `vsock port ${port}`);
}

/** The process at the other end of a unix socket (`SO_PEERCRED`, unix(7)). */
export function peerCredentials(fd: number): { pid: number; uid: number; gid: number } {
  const credentials = new Uint32Array(3);
  const length = new Uint32Array([12]);
  check(syscall(NR.getsockopt, fd, SOL_SOCKET, SO_PEERCRED, credentials, length), 'read the peer of a socket');
  return { pid: credentials[0]!, uid: credentials[1]!, gid: credentials[2]! };
}

/** The machine at the other end of a vsock(7) connection: its CID. `ENOTCONN` when it has hung up. */
export function peerCid(fd: number): number {
  const address = vsockAddress(0, 0);
  check(syscall(NR.getpeername, fd, address, new Uint32Array([address.length])), 'read the peer of a vsock');
  return new DataView(address.buffer).getUint32(8, true);
}

/** Two connected non-blocking unix stream sockets. */
export function socketPair(): [number, number] {
  const fds = new Int32Array(2);
  check(syscall(NR.socketpair, AF_UNIX, SOCK_STREAM | O.NONBLOCK | O.CLOEXEC, 0, fds), 'create a socket pair');
  return [fds[0]!, fds[1]!];
}
