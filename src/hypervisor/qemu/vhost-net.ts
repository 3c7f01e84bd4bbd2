import { syscall } from 'sys';
import { errnoName } from '../../os/errno.ts';
import { AT_FDCWD, O } from '../../os/fd.ts';
import { NR } from '../../syscall/numbers.ts';

const DEVICE = '/dev/vhost-net';

/** The kernel's own carrier of packets between a tap and a guest; where it cannot be had, why, and how to get it. The caller owns `fd`. */
export function openVhostNet(device = DEVICE): { fd: number } | { missing: string } {
  const fd = syscall(NR.openat, AT_FDCWD, device, O.RDWR | O.CLOEXEC, 0);
  if (fd >= 0) return { fd };
  const hint = 'load the module vhost_net (modprobe vhost_net) for a faster network';
  return {
    missing: `QEMU carries the packets itself, because ${device} cannot be opened (${errnoName(-fd)}); ${hint}`,
  };
}
