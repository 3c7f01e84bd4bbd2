import { addressOf, syscall } from 'sys';
import { NR } from '../../syscall/numbers.ts';
import { check } from '../errno.ts';
import { close, O } from '../fd.ts';
import { utf8Decode, utf8Encode } from '../utf8.ts';

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SIOCGIFINDEX = 0x8933;
/** struct ifreq. */
const IFREQ_SIZE = 40;
const IFNAMSIZ = 16;

/** Calls `action` with a socket by which interfaces of the process's network namespace can be asked (netdevice(7)). */
function withSocket<T>(action: (fd: number) => T): T {
  const fd = check(syscall(NR.socket, AF_INET, SOCK_DGRAM | O.CLOEXEC, 0), 'create a socket');
  try {
    return action(fd);
  } finally {
    close(fd);
  }
}

/** The index of an interface of the namespace that the process is in; `ENODEV` when there is none. */
export function interfaceIndex(name: string): number {
  return withSocket((fd) => {
    const request = new Uint8Array(IFREQ_SIZE);
    request.set(utf8Encode(name).subarray(0, IFNAMSIZ - 1));
    check(syscall(NR.ioctl, fd, SIOCGIFINDEX, request), `find the interface ${name}`);
    return new DataView(request.buffer).getInt32(IFNAMSIZ, true);
  });
}

const SIOCETHTOOL = 0x8946;
const ETHTOOL_GDRVINFO = 3;
/** struct ethtool_drvinfo: the command, four texts of 32 bytes of which the fourth is where the device is, and numbers. */
const DRIVER_INFO_SIZE = 4 + 4 * 32 + 64;
const BUS_INFO_AT = 4 + 3 * 32;

/** Where on the PCI bus the device of an interface is, `0000:00:03.0`; undefined for one that is no such device. */
export function interfacePciAddress(name: string): string | undefined {
  return withSocket((fd) => {
    const info = new Uint8Array(DRIVER_INFO_SIZE);
    info[0] = ETHTOOL_GDRVINFO;
    const request = new Uint8Array(IFREQ_SIZE);
    request.set(utf8Encode(name).subarray(0, IFNAMSIZ - 1));
    new DataView(request.buffer).setBigUint64(IFNAMSIZ, addressOf(info), true);
    // One without ethtool is no device of a bus.
    if (syscall(NR.ioctl, fd, SIOCETHTOOL, request) < 0) return undefined;
    const text = info.subarray(BUS_INFO_AT, BUS_INFO_AT + 32);
    const end = text.indexOf(0);
    const address = utf8Decode(end < 0 ? text : text.subarray(0, end));
    return /^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/.test(address) ? address : undefined;
  });
}
