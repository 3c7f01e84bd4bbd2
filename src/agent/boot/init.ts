import { syscall } from 'sys';
import { NR } from '../../syscall/numbers.ts';
import { bringLoopbackUp } from '../container/loopback.ts';
import { linkDevices, makeRootPivotable, mountSystem } from './boot-mounts.ts';
import { enableModprobe, installModprobe } from './modprobe.ts';
import { takeCtrlAltDelete } from './power-off.ts';

/** What the guest is called until a sandbox names it. */
const HOSTNAME = 'localhost';

/** Mounts and links: what has to be there before anything else, the log included. */
export function prepareFiles(): void {
  installModprobe();
  makeRootPivotable();
  mountSystem();
  linkDevices();
}

/** What a container needs and a first answer to the host does not. */
export function prepareSystem(): void {
  takeCtrlAltDelete();
  enableModprobe();
  syscall(NR.sethostname, HOSTNAME, HOSTNAME.length);
  bringLoopbackUp();
}
