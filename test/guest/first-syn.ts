// Runs in a container, compiled as the product is: the initial sequence numbers that this kernel gives to connections, as
// they go over the loopback interface. A raw socket sees the SYN itself, so nothing is taken from what the kernel tells of a
// socket. Nobody listens: the connection is refused, no TIME_WAIT is left, and the same 4-tuple can be used again.
import { exit } from 'std';
import { syscall } from 'sys';
import { check, ERRNO } from '../../src/os/errno.ts';
import { close, writeSync } from '../../src/os/fd.ts';
import { wallClockNs } from '../../src/os/timer.ts';
import { utf8Encode } from '../../src/os/utf8.ts';
import { NR } from '../../src/syscall/numbers.ts';

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const IPPROTO_TCP = 6;
const FLAGS_AT = 13;
const SYN = 0x02;
const ACK = 0x10;
const ROUNDS = 3;
const SOURCE_PORT = 40001;
/** Several, so that two kernels with different secrets do not look alike by chance. */
const TARGET_PORTS = [40002, 40003, 40004, 40005];

/** One connection's first number; the kernel drew it between the two moments, by the clock that it adds to its hash. */
export interface FirstSyn {
  sequence: number;
  /** Nanoseconds of the wall clock, as text: JSON has no such numbers. */
  beforeNs: string;
  afterNs: string;
}

/** struct sockaddr_in of 127.0.0.1. */
function loopback(port: number): Uint8Array {
  const address = new Uint8Array(16);
  const fields = new DataView(address.buffer);
  fields.setUint16(0, AF_INET, true);
  fields.setUint16(2, port, false);
  fields.setUint32(4, 0x7f000001, false);
  return address;
}

/** The number in the SYN for this port among the packets that have arrived; null when there is none. */
function sequenceOfSyn(raw: number, targetPort: number): number | null {
  let found: number | null = null;
  const packet = new Uint8Array(256);
  const fields = new DataView(packet.buffer);
  for (;;) {
    const count = syscall(NR.read, raw, packet, packet.length);
    if (count === -ERRNO.EAGAIN) return found;
    check(count, 'read a packet');
    // The IP header is there too, and says its own length.
    const tcp = (packet[0]! & 0x0f) * 4;
    const isSyn = (packet[tcp + FLAGS_AT]! & (SYN | ACK)) === SYN;
    if (isSyn && fields.getUint16(tcp) === SOURCE_PORT && fields.getUint16(tcp + 2) === targetPort)
      found = fields.getUint32(tcp + 4);
  }
}

function connectOnce(raw: number, targetPort: number): FirstSyn {
  const fd = check(syscall(NR.socket, AF_INET, SOCK_STREAM, 0), 'make a socket');
  const [source, target] = [loopback(SOURCE_PORT), loopback(targetPort)];
  check(syscall(NR.bind, fd, source, source.length), 'choose the source port');
  const beforeNs = wallClockNs();
  const result = syscall(NR.connect, fd, target, target.length);
  const afterNs = wallClockNs();
  close(fd);
  if (result !== -ERRNO.ECONNREFUSED) throw new Error(`a refused connection is expected, connect answered ${result}`);
  const sequence = sequenceOfSyn(raw, targetPort);
  if (sequence === null) throw new Error(`a SYN to port ${targetPort} is expected, none was seen`);
  return { sequence, beforeNs: `${beforeNs}`, afterNs: `${afterNs}` };
}

const raw = check(syscall(NR.socket, AF_INET, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_TCP), 'make a raw socket');
for (let round = 0; round < ROUNDS; round++) {
  const line = JSON.stringify(TARGET_PORTS.map((port) => connectOnce(raw, port)));
  writeSync(1, utf8Encode(`${line}\n`));
}
exit(0);
