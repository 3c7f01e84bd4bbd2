import { syscall } from 'sys';
import { check } from '../../os/errno.ts';
import { NR } from '../../syscall/numbers.ts';
import { bringLoopbackUp } from '../container/loopback.ts';
import { linkDevices, makeRootPivotable, mountSystem } from './boot-mounts.ts';
import { enableModprobe, installModprobe } from './modprobe.ts';
import { takeCtrlAltDelete } from './power-off.ts';

/** What the guest is called until a sandbox names it. */
const HOSTNAME = 'localhost';

const RLIMIT_NOFILE = 7;
/** Each process of a container takes four descriptors of ours; a container's own limit comes with its spec. */
const OPEN_FILES = { soft: 65536n, hard: 1048576n };

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
  const { soft, hard } = OPEN_FILES;
  check(
    syscall(NR.prlimit64, 0, RLIMIT_NOFILE, new BigUint64Array([soft, hard]), null),
    'raise the limit of open files',
  );
  enableModprobe();
  syscall(NR.sethostname, HOSTNAME, HOSTNAME.length);
  bringLoopbackUp();
}
