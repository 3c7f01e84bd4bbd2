import { syscall } from 'sys';
import { check } from '../../os/errno.ts';
import { close, O } from '../../os/fd.ts';
import { NR } from '../../syscall/numbers.ts';

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SIOCSIFFLAGS = 0x8914;
const IFF_UP_RUNNING = 0x41;

/** Brings `lo` up in this process's network namespace (netdevice(7)); blocking, for a child before exec. */
export function bringLoopbackUp(): void {
  const fd = check(syscall(NR.socket, AF_INET, SOCK_DGRAM | O.CLOEXEC, 0), 'create a socket');
  try {
    // struct ifreq: the name in 16 bytes, then the flags.
    const request = new Uint8Array(40);
    request.set([0x6c, 0x6f]);
    request[16] = IFF_UP_RUNNING;
    check(syscall(NR.ioctl, fd, SIOCSIFFLAGS, request), 'bring the loopback interface up');
  } finally {
    close(fd);
  }
}
