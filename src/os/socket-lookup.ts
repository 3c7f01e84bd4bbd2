import { addressOf, syscall } from 'sys';
import { NR } from '../syscall/numbers.ts';
import { check } from './errno.ts';
import { close } from './fd.ts';
import { openNamespace } from './namespace.ts';
import { utf8Encode } from './utf8.ts';

const BPF_MAP_CREATE = 0;
const BPF_MAP_UPDATE_ELEM = 2;
const BPF_PROG_LOAD = 5;
const BPF_LINK_CREATE = 28;
const BPF_MAP_TYPE_SOCKMAP = 15;
const BPF_PROG_TYPE_SK_LOOKUP = 30;
const BPF_SK_LOOKUP = 36;
/** Ours calls no function of the kernel that is for GPL programs alone. */
const LICENSE = 'Apache-2.0\0';

/** Where `struct bpf_sk_lookup` has them: the family, the protocol, the address that is looked for. */
const FAMILY = 8;
const PROTOCOL = 12;
const LOCAL_IP4 = 40;
const AF_INET = 2;
const TCP = 6;
const LOOPBACK_NET = 127;

/** Functions of the kernel that programs may call. */
const MAP_LOOKUP = 1;
const SK_RELEASE = 86;
const SK_ASSIGN = 124;

/** One instruction (RFC 9669): code, registers, offset, value. */
function instruction(code: number, to: number, from: number, offset: number, value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const fields = new DataView(bytes.buffer);
  fields.setUint8(0, code);
  fields.setUint8(1, (from << 4) | to);
  fields.setInt16(2, offset, true);
  fields.setInt32(4, value, true);
  return bytes;
}

const [LOAD, STORE, WIDE] = [0x61, 0x62, 0x18] as const;
const [AND, ADD, MOVE, COPY] = [0x57, 0x07, 0xb7, 0xbf] as const;
const [IF_NOT, IF, CALL, EXIT] = [0x55, 0x15, 0x85, 0x95] as const;

/** Gives every TCP connection to 127.0.0.0/8 to the socket in the map; all others go their way. */
function program(mapFd: number): Uint8Array {
  const code = [
    instruction(COPY, 6, 1, 0, 0),
    instruction(LOAD, 2, 6, FAMILY, 0),
    instruction(IF_NOT, 2, 0, 0, AF_INET),
    instruction(LOAD, 2, 6, PROTOCOL, 0),
    instruction(IF_NOT, 2, 0, 0, TCP),
    instruction(LOAD, 2, 6, LOCAL_IP4, 0),
    // The first byte of an address in network order.
    instruction(AND, 2, 0, 0, 0xff),
    instruction(IF_NOT, 2, 0, 0, LOOPBACK_NET),
    instruction(STORE, 10, 0, -4, 0),
    instruction(WIDE, 1, 1, 0, mapFd),
    instruction(0, 0, 0, 0, 0),
    instruction(COPY, 2, 10, 0, 0),
    instruction(ADD, 2, 0, 0, -4),
    instruction(CALL, 0, 0, 0, MAP_LOOKUP),
    instruction(IF, 0, 0, 0, 0),
    instruction(COPY, 7, 0, 0, 0),
    instruction(COPY, 1, 6, 0, 0),
    instruction(COPY, 2, 7, 0, 0),
    instruction(MOVE, 3, 0, 0, 0),
    instruction(CALL, 0, 0, 0, SK_ASSIGN),
    // The socket was lent.
    instruction(COPY, 1, 7, 0, 0),
    instruction(CALL, 0, 0, 0, SK_RELEASE),
    instruction(MOVE, 0, 0, 0, 1),
    instruction(EXIT, 0, 0, 0, 0),
  ];
  endJumps(code);
  const bytes = new Uint8Array(code.length * 8);
  for (const [index, each] of code.entries()) bytes.set(each, index * 8);
  return bytes;
}

/** Has each conditional jump lead to the last two instructions: the answer that the search may go on, and the exit. */
function endJumps(code: Uint8Array[]): void {
  const end = code.length - 2;
  for (const [index, each] of code.entries())
    if (each[0] === IF_NOT || each[0] === IF) new DataView(each.buffer).setInt16(2, end - index - 1, true);
}

/**
 * Has a listening socket take every TCP connection to the loopback addresses of a network namespace, whatever the port
 * (BPF_PROG_TYPE_SK_LOOKUP, Linux 5.9). It lasts as long as the result is open.
 */
export function takeLoopbackConnections(namespace: string, listenerFd: number): number {
  const opened: number[] = [];
  const keep = (fd: number): number => {
    opened.push(fd);
    return fd;
  };
  try {
    // type, size of a key, size of a value, how many.
    const map = keep(bpf(BPF_MAP_CREATE, new Uint32Array([BPF_MAP_TYPE_SOCKMAP, 4, 8, 1]), 'make a map of sockets'));
    put(map, listenerFd);
    const loaded = keep(load(program(map)));
    const target = keep(openNamespace(namespace));
    return bpf(BPF_LINK_CREATE, new Uint32Array([loaded, target, BPF_SK_LOOKUP, 0]), `direct sockets in ${namespace}`);
  } finally {
    for (const fd of opened) close(fd);
  }
}

function bpf(command: number, attributes: Uint8Array | Uint32Array, what: string): number {
  return check(syscall(NR.bpf, command, attributes, attributes.byteLength), what);
}

function put(map: number, socket: number): void {
  const [key, value] = [new Uint32Array(1), new BigUint64Array([BigInt(socket)])];
  const attributes = new Uint8Array(32);
  const fields = new DataView(attributes.buffer);
  fields.setUint32(0, map, true);
  fields.setBigUint64(8, addressOf(key), true);
  fields.setBigUint64(16, addressOf(value), true);
  bpf(BPF_MAP_UPDATE_ELEM, attributes, 'put a socket into a map');
}

function load(instructions: Uint8Array): number {
  const license = utf8Encode(LICENSE);
  // As in agent/cgroup/device-filter.ts: type, instructions and their number, licence, …, how it will be attached.
  const attributes = new Uint8Array(72);
  const fields = new DataView(attributes.buffer);
  fields.setUint32(0, BPF_PROG_TYPE_SK_LOOKUP, true);
  fields.setUint32(4, instructions.length / 8, true);
  fields.setBigUint64(8, addressOf(instructions), true);
  fields.setBigUint64(16, addressOf(license), true);
  fields.setUint32(68, BPF_SK_LOOKUP, true);
  return bpf(BPF_PROG_LOAD, attributes, 'load a program that directs sockets');
}
