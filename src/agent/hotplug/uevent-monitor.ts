import { syscall } from 'sys';
import { check, ERRNO } from '../../os/errno.ts';
import { O } from '../../os/fd.ts';
import { readable } from '../../os/loop.ts';
import { utf8Decode } from '../../os/utf8.ts';
import { NR } from '../../syscall/numbers.ts';
import { log } from '../log/log.ts';
import { parseUevent, type Uevent } from './uevent.ts';

const AF_NETLINK = 16;
const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const NETLINK_KOBJECT_UEVENT = 15;
const KERNEL_GROUP = 1;
/** A burst of events (a controller with many disks) must not be lost while the agent does something else. */
const RECEIVE_BUFFER_BYTES = 1 << 20;
const MAX_EVENT_BYTES = 8192;

type Listener = (event: Uevent) => void;

const listeners = new Set<Listener>();

/** Calls `listener` for each uevent until the result is called. */
export function onUevent(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Starts to hear of devices that come and go (netlink(7), NETLINK_KOBJECT_UEVENT). To be called once. */
export function startUeventMonitor(): void {
  const fd = check(
    syscall(NR.socket, AF_NETLINK, SOCK_DGRAM | O.NONBLOCK | O.CLOEXEC, NETLINK_KOBJECT_UEVENT),
    'create a uevent socket',
  );
  syscall(NR.setsockopt, fd, SOL_SOCKET, SO_RCVBUFFORCE, new Uint32Array([RECEIVE_BUFFER_BYTES]), 4);
  // struct sockaddr_nl: family, padding, pid (0: any), groups.
  check(syscall(NR.bind, fd, new Uint32Array([AF_NETLINK, 0, KERNEL_GROUP]), 12), 'listen for uevents');
  receive(fd).catch((error: unknown) => log.critical('uevents are no longer heard', { error }));
}

async function receive(fd: number): Promise<never> {
  const buffer = new Uint8Array(MAX_EVENT_BYTES);
  const sender = new Uint32Array(3);
  for (;;) {
    const count = syscall(NR.recvfrom, fd, buffer, buffer.length, 0, sender, new Uint32Array([12]));
    if (count === -ERRNO.EAGAIN) await readable(fd);
    else if (count === -ERRNO.ENOBUFS) log.warn('uevents were lost');
    else if (count !== -ERRNO.EINTR && check(count, 'receive a uevent') > 0 && sender[1] === 0)
      // Only the kernel has port 0: a container with CAP_NET_ADMIN may send here too.
      tell(utf8Decode(buffer.subarray(0, count)));
  }
}

function tell(text: string): void {
  const event = parseUevent(text);
  if (event === null) return;
  log.trace('uevent', { action: event.action, path: event.devicePath });
  for (const listener of [...listeners]) listener(event);
}
