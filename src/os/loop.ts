import * as quickjs from 'os';
import { syscall } from 'sys';
import { KataError } from '../errors/kata-error.ts';
import { NR } from '../syscall/numbers.ts';
import { check, ERRNO } from './errno.ts';

const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLLIN = 0x001;
const EPOLLPRI = 0x002;
const EPOLLOUT = 0x004;
const EPOLLERR = 0x008;
const EPOLLHUP = 0x010;
const EPOLLRDHUP = 0x2000;
const EPOLLET = 2 ** 31;
const READS = EPOLLIN | EPOLLPRI | EPOLLERR | EPOLLHUP | EPOLLRDHUP;
const WRITES = EPOLLOUT | EPOLLERR | EPOLLHUP;
/** struct epoll_event is packed on x86-64: u32 events, u64 data. */
const EVENT_SIZE = 12;
const BATCH = 64;

interface Waiter {
  resolve(): void;
  reject(error: KataError): void;
}

/** Who waits for a descriptor. `always` marks a file that epoll refuses (a regular file): it is always ready. */
interface Watch {
  always: boolean;
  readers: Waiter[];
  writers: Waiter[];
}

/**
 * The event loop is QuickJS's own; it watches one epoll descriptor, and every other descriptor is in that one, edge
 * triggered. So: try the system call first, and on EAGAIN wait here for the next edge.
 */
let epollFd = -1;
const watches = new Map<number, Watch>();
const events = new Uint8Array(EVENT_SIZE * BATCH);
const view = new DataView(events.buffer);

function dispatch(): void {
  const count = syscall(NR.epoll_wait, epollFd, events, BATCH, 0);
  for (let i = 0; i < count; i++) {
    const mask = view.getUint32(i * EVENT_SIZE, true);
    const watch = watches.get(view.getInt32(i * EVENT_SIZE + 4, true));
    if (watch === undefined) continue;
    if (mask & READS) wake(watch.readers);
    if (mask & WRITES) wake(watch.writers);
  }
}

function wake(waiters: Waiter[]): void {
  for (const waiter of waiters.splice(0)) waiter.resolve();
}

function watchOf(fd: number): Watch {
  const known = watches.get(fd);
  if (known !== undefined) return known;
  if (epollFd < 0) {
    epollFd = check(syscall(NR.epoll_create1, EPOLL_CLOEXEC), 'create an epoll descriptor');
    quickjs.setReadHandler(epollFd, dispatch);
  }
  const event = new Uint8Array(EVENT_SIZE);
  const fields = new DataView(event.buffer);
  fields.setUint32(0, (EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET) >>> 0, true);
  fields.setInt32(4, fd, true);
  const result = syscall(NR.epoll_ctl, epollFd, EPOLL_CTL_ADD, fd, event);
  if (result < 0 && result !== -ERRNO.EPERM) check(result, `watch descriptor ${fd}`);
  const watch: Watch = { always: result === -ERRNO.EPERM, readers: [], writers: [] };
  watches.set(fd, watch);
  return watch;
}

/** Resolves at the next edge of readability, an end or an error. Call it after EAGAIN. Throws `cancelled` if forgotten. */
export function readable(fd: number): Promise<void> {
  const watch = watchOf(fd);
  if (watch.always) return Promise.resolve();
  return new Promise((resolve, reject) => watch.readers.push({ resolve, reject }));
}

/** Resolves at the next edge of writability, an end or an error. Call it after EAGAIN. Throws `cancelled` if forgotten. */
export function writable(fd: number): Promise<void> {
  const watch = watchOf(fd);
  if (watch.always) return Promise.resolve();
  return new Promise((resolve, reject) => watch.writers.push({ resolve, reject }));
}

/** Stops watching; whoever waits hears `cancelled`. Call it before the descriptor is closed. */
export function forget(fd: number): void {
  const watch = watches.get(fd);
  if (watch === undefined) return;
  watches.delete(fd);
  if (!watch.always) syscall(NR.epoll_ctl, epollFd, EPOLL_CTL_DEL, fd, null);
  const error = new KataError('cancelled', `descriptor ${fd} was closed`);
  for (const waiter of [...watch.readers, ...watch.writers]) waiter.reject(error);
}

/**
 * For a child after fork that goes on with the loop: the epoll descriptor is shared with the parent, so the child drops
 * it and starts with an empty one. Promises that waited before the fork never settle.
 */
export function resetAfterFork(): void {
  if (epollFd < 0) return;
  quickjs.setReadHandler(epollFd, null);
  syscall(NR.close, epollFd);
  epollFd = -1;
  watches.clear();
}
