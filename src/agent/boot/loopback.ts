import { syscall } from 'sys';
import { check } from '../../os/errno.ts';
import { close, O } from '../../os/fd.ts';
import { NR } from '../../syscall/numbers.ts';

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const IFF_UP = 1;
/** struct ifreq: 16 bytes of name, 24 of union; ifr_flags is its first short (netdevice(7)). */
const IFREQ_BYTES = 40;
const FLAGS_AT = 16;

/** Brings `lo` up. By ioctl: one call to look and one to set, for each of which netlink takes a conversation. */
export function bringLoopbackUp(): void {
  const fd = check(syscall(NR.socket, AF_INET, SOCK_DGRAM | O.CLOEXEC, 0), 'create a socket');
  try {
    const request = new Uint8Array(IFREQ_BYTES);
    request.set([0x6c, 0x6f]);
    check(syscall(NR.ioctl, fd, SIOCGIFFLAGS, request), 'read the flags of lo');
    const fields = new DataView(request.buffer);
    fields.setUint16(FLAGS_AT, fields.getUint16(FLAGS_AT, true) | IFF_UP, true);
    check(syscall(NR.ioctl, fd, SIOCSIFFLAGS, request), 'bring lo up');
  } finally {
    close(fd);
  }
}
