import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { NR } from '../../syscall/numbers.ts';
import { check } from '../errno.ts';
import { close, O, open } from '../fd.ts';
import { utf8Decode, utf8Encode } from '../utf8.ts';

const TUNSETIFF = 0x400454ca;
const TUNSETPERSIST = 0x400454cb;
const TUNSETOFFLOAD = 0x400454d0;
const TUNSETVNETHDRSZ = 0x400454d8;
const IFF_TAP = 0x0002;
const IFF_MULTI_QUEUE = 0x0100;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
const IFF_TUN_EXCL = 0x8000;
const IFNAMSIZ = 16;
/** struct ifreq. */
const IFREQ_SIZE = 40;
/** struct virtio_net_hdr_mrg_rxbuf, which virtio 1.0 devices have. */
const VNET_HEADER_SIZE = 12;

export interface TapOptions {
  /** The interface's name; a `%d` in it becomes the first free number. */
  name: string;
  /** Descriptors, one per pair of queues. Default: 1. */
  queues?: number;
  /** It stays when its descriptors are closed. Default: it goes with them. */
  persistent?: boolean;
  /** It is there already, and its other end free. Default: it is made, and an existing name is `EBUSY`. */
  exists?: boolean;
  /** Frames have virtio's header in front, so that checksums and segmentation can be left to the other side. Default: yes. */
  vnetHeader?: boolean;
}

export interface Tap {
  name: string;
  /** One per pair of queues, the caller's. */
  fds: number[];
}

/** A tap interface (`/dev/net/tun`) in the network namespace that the process is in. */
export function openTap(options: TapOptions): Tap {
  const { queues = 1, persistent = false, exists = false, vnetHeader = true } = options;
  const flags = IFF_TAP | IFF_NO_PI | (vnetHeader ? IFF_VNET_HDR : 0) | (queues > 1 ? IFF_MULTI_QUEUE : 0);
  const fds: number[] = [];
  let name = options.name;
  try {
    for (let queue = 0; queue < queues; queue++) {
      const fd = open('/dev/net/tun', O.RDWR | O.NONBLOCK);
      fds.push(fd);
      name = attach(fd, name, flags | (queue === 0 && !exists ? IFF_TUN_EXCL : 0));
      if (vnetHeader)
        check(syscall(NR.ioctl, fd, TUNSETVNETHDRSZ, new Int32Array([VNET_HEADER_SIZE])), `set up the tap ${name}`);
    }
    if (persistent) check(syscall(NR.ioctl, fds[0]!, TUNSETPERSIST, 1), `keep the tap ${name}`);
    return { name, fds };
  } catch (error) {
    for (const fd of fds) close(fd);
    throw error;
  }
}

/** Sets up the descriptor of a macvtap interface as that of a tap. */
export function setUpTap(fd: number, name: string): void {
  attach(fd, name, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
  check(syscall(NR.ioctl, fd, TUNSETVNETHDRSZ, new Int32Array([VNET_HEADER_SIZE])), `set up ${name}`);
}

function attach(fd: number, name: string, flags: number): string {
  const request = new Uint8Array(IFREQ_SIZE);
  const bytes = utf8Encode(name);
  if (bytes.length >= IFNAMSIZ)
    throw new KataError('invalid-argument', `an interface name of at most 15 bytes is expected, found ${name}`);
  request.set(bytes);
  new DataView(request.buffer).setUint16(IFNAMSIZ, flags, true);
  check(syscall(NR.ioctl, fd, TUNSETIFF, request), `make the tap ${name}`);
  return utf8Decode(request.subarray(0, request.indexOf(0)));
}

/** Numbers of features of a virtio network device (virtio 1.2, 5.1.3), and what a tap is told for each (`TUN_F_*`). */
const OFFLOADS = [
  { feature: 1, flag: 0x01 },
  { feature: 7, flag: 0x02 },
  { feature: 8, flag: 0x04 },
  { feature: 9, flag: 0x08 },
  { feature: 10, flag: 0x10 },
  { feature: 54, flag: 0x20 },
  { feature: 55, flag: 0x40 },
] as const;

/**
 * Tells a tap what whoever reads it takes: frames without a checksum, and larger ones than the MTU. `features` are those that a
 * guest's driver has accepted, a digit each from number 0 on.
 */
export function setTapOffloads(fd: number, features: string): void {
  const flags = OFFLOADS.reduce((sum, { feature, flag }) => sum | (features[feature] === '1' ? flag : 0), 0);
  check(syscall(NR.ioctl, fd, TUNSETOFFLOAD, flags), 'tell a tap what its reader takes');
}
