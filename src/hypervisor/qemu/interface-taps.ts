import { syscall } from 'sys';
import { check } from '../../os/errno.ts';
import { close, O } from '../../os/fd.ts';
import { exists } from '../../os/file.ts';
import { inNamespace, newNamespace } from '../../os/namespace.ts';
import { openTap } from '../../os/netlink/tuntap.ts';
import { NR } from '../../syscall/numbers.ts';
import { INTERFACE_SLOTS } from './interface-slots.ts';

const TUN = '/dev/net/tun';
const AF_UNIX = 1;
const SOCK_DGRAM = 2;

/** Whether this host has taps at all. */
export const hasTaps = (): boolean => exists(TUN);

/** A tap for each slot, in a network namespace that nobody else is in, for a QEMU that gets its own later: the caller's descriptors. */
export function privateTaps(): number[] {
  const namespace = newNamespace('net');
  try {
    return inNamespace(namespace, 'net', () => openTap({ name: 'tap', queues: INTERFACE_SLOTS }).fds);
  } finally {
    close(namespace);
  }
}

/** What stands for a tap in a QEMU whose guest has no network: a socket that nothing comes from, and that takes nothing. The caller's. */
export function nothingToReceive(): number {
  return check(syscall(NR.socket, AF_UNIX, SOCK_DGRAM | O.CLOEXEC | O.NONBLOCK, 0), 'create a socket');
}
