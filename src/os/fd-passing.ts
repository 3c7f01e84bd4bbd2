import { addressOf, syscall } from 'sys';
import { NR } from '../syscall/numbers.ts';
import { check, ERRNO } from './errno.ts';
import { readable, writable } from './loop.ts';

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CMSG_CLOEXEC = 0x40000000;
const MSG_NOSIGNAL = 0x4000;
/** The most descriptors that one message carries here. */
export const MAX_FDS = 64;
const CMSG_HEADER = 16;
const CONTROL_BYTES = CMSG_HEADER + MAX_FDS * 4;

interface Message {
  /** `struct msghdr` (recvmsg(2)); what it points to is kept beside it. */
  header: BigUint64Array;
  keep: unknown[];
}

function messageOf(data: Uint8Array, control: Uint8Array): Message {
  const vector = new BigUint64Array([addressOf(data), BigInt(data.length)]);
  const length = BigInt(control.length);
  const header = new BigUint64Array([
    0n,
    0n,
    addressOf(vector),
    1n,
    length === 0n ? 0n : addressOf(control),
    length,
    0n,
  ]);
  return { header, keep: [vector, data, control] };
}

/** Sends bytes with descriptors over a unix stream socket (unix(7), SCM_RIGHTS). They stay open here. */
export async function sendWithFds(fd: number, data: Uint8Array, fds: readonly number[]): Promise<void> {
  const control = new Uint8Array(fds.length === 0 ? 0 : CMSG_HEADER + Math.ceil(fds.length / 2) * 8);
  if (fds.length > 0) {
    const view = new DataView(control.buffer);
    view.setBigUint64(0, BigInt(CMSG_HEADER + fds.length * 4), true);
    view.setUint32(8, SOL_SOCKET, true);
    view.setUint32(12, SCM_RIGHTS, true);
    fds.forEach((each, i) => void view.setInt32(CMSG_HEADER + i * 4, each, true));
  }
  const message = messageOf(data, control);
  for (;;) {
    const count = syscall(NR.sendmsg, fd, message.header, MSG_NOSIGNAL);
    if (count === -ERRNO.EAGAIN) await writable(fd);
    else if (count !== -ERRNO.EINTR) {
      check(count, 'send descriptors');
      return;
    }
  }
}

/** Bytes of a unix socket, with the descriptors that came along, which are the caller's. */
export interface WithFds {
  data: Uint8Array;
  fds: number[];
}

/** The next bytes of a unix stream socket, with the descriptors that came along; null at the end. */
export async function receiveWithFds(fd: number, maxBytes = 65536): Promise<WithFds | null> {
  for (;;) {
    const received = receiveNow(fd, maxBytes);
    if (received !== 'later') return received;
    await readable(fd);
  }
}

/** What is there to receive, for a socket that blocks what comes next; null at the end, `later` when nothing is there yet. */
export function receiveNow(fd: number, maxBytes = 65536): WithFds | null | 'later' {
  const data = new Uint8Array(maxBytes);
  const control = new Uint8Array(CONTROL_BYTES);
  const message = messageOf(data, control);
  const { header } = message;
  for (;;) {
    header[5] = BigInt(CONTROL_BYTES);
    const count = syscall(NR.recvmsg, fd, header, MSG_CMSG_CLOEXEC);
    if (count === -ERRNO.EAGAIN) return 'later';
    if (count === -ERRNO.EINTR) continue;
    if (check(count, 'receive descriptors') === 0) return null;
    return { data: data.slice(0, count), fds: descriptorsIn(control, Number(message.header[5])) };
  }
}

function descriptorsIn(control: Uint8Array, length: number): number[] {
  const view = new DataView(control.buffer);
  if (length < CMSG_HEADER || view.getUint32(8, true) !== SOL_SOCKET || view.getUint32(12, true) !== SCM_RIGHTS)
    return [];
  const count = (Number(view.getBigUint64(0, true)) - CMSG_HEADER) / 4;
  return Array.from({ length: count }, (_, i) => view.getInt32(CMSG_HEADER + i * 4, true));
}
