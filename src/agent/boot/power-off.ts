import { syscall } from 'sys';
import { MNT, MS, mount, umount } from '../../os/mount.ts';
import { exitNow } from '../../os/process.ts';
import { listMounts } from '../../os/unmount.ts';
import { NR } from '../../syscall/numbers.ts';
import { log } from '../log/log.ts';

const MAGIC1 = 0xfee1dead;
const MAGIC2 = 672274793;
/** Commands of reboot(2). */
const REBOOT = { RESTART: 0x01234567, CAD_OFF: 0, POWER_OFF: 0x4321fedc } as const;
const SIGKILL = 9;
/** Every process but this one (kill(2)). */
const EVERYBODY = -1;
/** File systems that live in memory alone: nothing is lost with them. */
const IN_MEMORY = new Set(['proc', 'sysfs', 'devtmpfs', 'tmpfs', 'ramfs', 'rootfs', 'devpts', 'cgroup2', 'mqueue']);

/** Ctrl-alt-del reaches init as SIGINT instead of resetting the machine at once. */
export function takeCtrlAltDelete(): void {
  syscall(NR.reboot, MAGIC1, MAGIC2, REBOOT.CAD_OFF, null);
}

/**
 * Ends every process, writes what is dirty, unmounts, and turns the machine off; where it cannot be turned off (no
 * ACPI), restarts it, which ends a VM that was started with `-no-reboot`. Never returns, outside a VM it ends the
 * process: whatever fails on the way is logged and passed over.
 */
export function powerOff(reason: string): never {
  log.info('powering off', { reason });
  if (syscall(NR.getpid) !== 1) exitNow(1);
  syscall(NR.kill, EVERYBODY, SIGKILL);
  syscall(NR.sync);
  for (const { mountPoint, type } of listMounts().reverse()) {
    if (IN_MEMORY.has(type)) continue;
    try {
      umount(mountPoint, MNT.DETACH);
    } catch (error) {
      log.warn('not unmounted, made read-only instead', { mountPoint, error });
      remountReadOnly(mountPoint);
    }
  }
  syscall(NR.sync);
  syscall(NR.reboot, MAGIC1, MAGIC2, REBOOT.POWER_OFF, null);
  syscall(NR.reboot, MAGIC1, MAGIC2, REBOOT.RESTART, null);
  return exitNow(1);
}

function remountReadOnly(mountPoint: string): void {
  try {
    mount('', mountPoint, '', MS.REMOUNT | MS.RDONLY);
  } catch (error) {
    log.error('cannot be made read-only', { mountPoint, error });
  }
}
