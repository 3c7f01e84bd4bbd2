import { KataError } from '../../errors/kata-error.ts';
import { NR } from '../../syscall/numbers.ts';
import { listDirectory } from '../directory.ts';
import { AT_FDCWD } from '../fd.ts';
import { readlink, readText } from '../file.ts';
import type { CallList, CallProgram } from './call-program.ts';

const SIGMASK_BYTES = 8;
/** Devices that are the same to whoever opens them. */
const DEVICES = new Set(['/dev/null', '/dev/zero', '/dev/urandom', '/dev/random']);

/** A descriptor that a process has, and that another one can make for itself. */
export type Descriptor =
  | { kind: 'given' }
  | { kind: 'memory' }
  | { kind: 'eventfd'; count: bigint; flags: number }
  | { kind: 'signalfd'; mask: bigint; flags: number }
  | { kind: 'epoll'; watched: { fd: number; events: number; data: bigint }[]; flags: number }
  | { kind: 'device'; path: string; flags: number };

/**
 * The descriptors of a process by number. `given` are those that its restored self is started with, as is the file of its
 * memory. `unimplemented` for what cannot be made again.
 */
export function descriptorsOf(pid: number, given: readonly number[], memoryPath: string): Map<number, Descriptor> {
  const descriptors = new Map<number, Descriptor>();
  const numbers = listDirectory(`/proc/${pid}/fd`).map(Number);
  for (const fd of numbers.sort((a, b) => a - b)) {
    const target = readlink(`/proc/${pid}/fd/${fd}`);
    if (given.includes(fd)) descriptors.set(fd, { kind: 'given' });
    else if (target === memoryPath) descriptors.set(fd, { kind: 'memory' });
    else descriptors.set(fd, describe(pid, fd, target));
  }
  return descriptors;
}

/** Those that a restored process has before it makes the others. */
export const givenOf = (descriptors: ReadonlyMap<number, Descriptor>): number[] =>
  [...descriptors].filter(([, { kind }]) => kind === 'given' || kind === 'memory').map(([fd]) => fd);

function describe(pid: number, fd: number, target: string): Descriptor {
  const info = readText(`/proc/${pid}/fdinfo/${fd}`);
  const field = (name: string): string => new RegExp(`^${name}:\\s*(\\S+)$`, 'm').exec(info)?.[1] ?? '0';
  const flags = Number.parseInt(field('flags'), 8);
  if (target === 'anon_inode:[eventfd]' && field('eventfd-semaphore') === '0')
    return { kind: 'eventfd', count: BigInt(`0x${field('eventfd-count')}`), flags };
  if (target === 'anon_inode:[signalfd]') return { kind: 'signalfd', mask: BigInt(`0x${field('sigmask')}`), flags };
  if (target === 'anon_inode:[eventpoll]') return { kind: 'epoll', watched: watchedBy(info), flags };
  if (DEVICES.has(target)) return { kind: 'device', path: target, flags };
  throw new KataError('unimplemented', `descriptors that can be made again are expected, found ${fd}: ${target}`);
}

/** What an epoll descriptor watches: `tfd: 4 events: 19 data: 4 …`, the last two in hexadecimal (proc_pid_fdinfo(5)). */
const watchedBy = (info: string): { fd: number; events: number; data: bigint }[] =>
  [...info.matchAll(/^tfd:\s*(\d+) events:\s*([0-9a-f]+) data:\s*([0-9a-f]+)/gm)].map(([, fd, events, data]) => ({
    fd: Number(fd),
    events: Number.parseInt(events!, 16),
    data: BigInt(`0x${data}`),
  }));

/**
 * Adds the calls that make descriptors, in a process that has those that are given and no others as low as these. The
 * kernel gives the lowest number that is free: numbers that are to stay free are taken meanwhile.
 */
export function addDescriptors(program: CallProgram, calls: CallList, descriptors: Map<number, Descriptor>): void {
  const fillers: number[] = [];
  const highest = Math.max(...descriptors.keys());
  for (let fd = 0; fd <= highest; fd++) {
    const descriptor = descriptors.get(fd);
    if (descriptor?.kind === 'given' || descriptor?.kind === 'memory') continue;
    if (descriptor === undefined) {
      fillers.push(fd);
      calls.addExpecting(fd, NR.eventfd2, 0, 0);
    } else if (descriptor.kind === 'eventfd') {
      if (descriptor.count > 0xffff_ffffn) throw new KataError('unimplemented', 'an eventfd counts too far');
      calls.addExpecting(fd, NR.eventfd2, descriptor.count, descriptor.flags & FLAGS);
    } else if (descriptor.kind === 'signalfd') {
      const mask = program.data(new Uint8Array(new BigUint64Array([descriptor.mask]).buffer));
      calls.addExpecting(fd, NR.signalfd4, -1, mask, SIGMASK_BYTES, descriptor.flags & FLAGS);
    } else if (descriptor.kind === 'epoll') {
      calls.addExpecting(fd, NR.epoll_create1, descriptor.flags & FLAGS);
    } else {
      calls.addExpecting(fd, NR.openat, AT_FDCWD, program.text(descriptor.path), descriptor.flags & ~LARGEFILE);
    }
  }
  for (const fd of fillers) calls.add(NR.close, fd);
  // Once all that is watched is there.
  for (const [fd, descriptor] of descriptors)
    if (descriptor.kind === 'epoll')
      for (const { fd: target, events, data } of descriptor.watched)
        calls.add(NR.epoll_ctl, fd, EPOLL_CTL_ADD, target, program.data(epollEvent(events, data)));
}

/** `struct epoll_event`, which is packed. */
function epollEvent(events: number, data: bigint): Uint8Array {
  const view = new DataView(new ArrayBuffer(12));
  view.setUint32(0, events, true);
  view.setBigUint64(4, data, true);
  return new Uint8Array(view.buffer);
}

const EPOLL_CTL_ADD = 1;

/** O_NONBLOCK and O_CLOEXEC, the same for EFD_ and SFD_. */
const FLAGS = 0o2004000;
const LARGEFILE = 0o100000;
