import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { NR } from '../../syscall/numbers.ts';
import { listDirectory } from '../directory.ts';
import { check } from '../errno.ts';
import { AT_FDCWD, close, O, open } from '../fd.ts';
import { readText, removeFile } from '../file.ts';
import type { NewLink } from './link.ts';
import { setUpTap } from './tuntap.ts';

const IFLA_MACVLAN_MODE = 1;
const MACVLAN_MODE_BRIDGE = 4;
const S_IFCHR = 0o020000;
const FSOPEN_CLOEXEC = 1;
const FSCONFIG_CMD_CREATE = 6;
const FSMOUNT_CLOEXEC = 1;

/** A macvtap interface on top of another one, speaking with its neighbours there as well (ip-link(8), mode bridge). */
export function macvtapLink(name: string, parent: number, macAddress: string): NewLink {
  const kindAttributes: NewLink['kindAttributes'] = (data) => {
    data.u32(IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE);
  };
  return { name, kind: 'macvtap', parent, macAddress, up: true, kindAttributes };
}

/**
 * Opens the character device of a macvtap interface of the network namespace that the process is in. Its node is made for a moment
 * at `nodePath`: those in /dev are named by numbers that several namespaces may have.
 */
export function openMacvtap(name: string, nodePath: string): number {
  const [major, minor] = deviceNumbers(name);
  removeFile(nodePath);
  const device = BigInt(((major & 0xfff) << 8) | (minor & 0xff)) | (BigInt(minor & ~0xff) << 12n);
  check(syscall(NR.mknodat, AT_FDCWD, nodePath, S_IFCHR | 0o600, device), `make the device of ${name}`);
  try {
    const fd = open(nodePath, O.RDWR | O.NONBLOCK);
    try {
      setUpTap(fd, name);
      return fd;
    } catch (error) {
      close(fd);
      throw error;
    }
  } finally {
    removeFile(nodePath);
  }
}

/** By sysfs as this namespace has it: a mount of its own that nobody else sees. */
function deviceNumbers(name: string): [major: number, minor: number] {
  const fs = check(syscall(NR.fsopen, 'sysfs', FSOPEN_CLOEXEC), 'open sysfs');
  try {
    check(syscall(NR.fsconfig, fs, FSCONFIG_CMD_CREATE, null, null, 0), 'open sysfs');
    const mount = check(syscall(NR.fsmount, fs, FSMOUNT_CLOEXEC, 0), 'mount sysfs');
    try {
      const folder = `/proc/self/fd/${mount}/class/net/${name}/macvtap`;
      const [entry] = listDirectory(folder);
      const match = /^(\d+):(\d+)\n?$/.exec(readText(`${folder}/${entry}/dev`));
      if (match === null) throw new KataError('internal', `the device of ${name} is expected in sysfs, there is none`);
      return [Number(match[1]), Number(match[2])];
    } finally {
      close(mount);
    }
  } finally {
    close(fs);
  }
}
