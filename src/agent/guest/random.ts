import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { check } from '../../os/errno.ts';
import { close, O, open } from '../../os/fd.ts';
import { NR } from '../../syscall/numbers.ts';

/** ioctls of random(4). */
const RNDADDENTROPY = 0x40085203;
const RNDRESEEDCRNG = 0x5207;

/**
 * Mixes the host's randomness into the kernel's pool and has its generator start anew: two VMs that were restored from
 * one template would else draw the same numbers.
 */
export function reseedRandom(data: Uint8Array): void {
  if (data.length === 0) throw new KataError('invalid-argument', 'random bytes are expected, found none');
  const fd = open('/dev/random', O.RDWR);
  try {
    // struct rand_pool_info: how many bits to count, how many bytes follow, the bytes.
    const info = new Uint8Array(8 + data.length);
    const fields = new DataView(info.buffer);
    fields.setInt32(0, data.length * 8, true);
    fields.setInt32(4, data.length, true);
    info.set(data, 8);
    check(syscall(NR.ioctl, fd, RNDADDENTROPY, info), 'add to the random pool');
    check(syscall(NR.ioctl, fd, RNDRESEEDCRNG, 0), 'reseed the random generator');
  } finally {
    close(fd);
  }
}
