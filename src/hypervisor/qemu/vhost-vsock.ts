import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { check, ERRNO } from '../../os/errno.ts';
import { AT_FDCWD, close, O } from '../../os/fd.ts';
import { randomBytes } from '../../os/random.ts';
import { NR } from '../../syscall/numbers.ts';

/** `_IOW(0xaf, 0x60, __u64)` of `linux/vhost.h`. */
const VHOST_VSOCK_SET_GUEST_CID = 0x4008af60;
/** 0 is the hypervisor, 1 the machine itself, 2 the host; 0xffffffff means any (vsock(7)). */
const FIRST_CID = 3;
const LAST_CID = 0xfffffffe;
const ATTEMPTS = 50;

export interface VhostVsock {
  /** The guest's address; taken for as long as `fd` is open, here or in QEMU. */
  cid: number;
  fd: number;
}

/** A vsock device with an address that nobody else has; null where the kernel has none. The caller owns `fd`. */
export function openVhostVsock(device = '/dev/vhost-vsock'): VhostVsock | null {
  const fd = syscall(NR.openat, AT_FDCWD, device, O.RDWR | O.CLOEXEC, 0);
  if (fd < 0) return null;
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const random = new DataView(randomBytes(4).buffer).getUint32(0, true);
      const cid = FIRST_CID + (random % (LAST_CID - FIRST_CID + 1));
      const result = syscall(NR.ioctl, fd, VHOST_VSOCK_SET_GUEST_CID, new BigUint64Array([BigInt(cid)]));
      if (result === -ERRNO.EADDRINUSE) continue;
      check(result, `take the vsock address ${cid}`);
      return { cid, fd };
    }
    throw new KataError('internal', `${ATTEMPTS} random vsock addresses are all taken`);
  } catch (error) {
    close(fd);
    throw error;
  }
}
