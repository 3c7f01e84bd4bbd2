import { syscall } from 'sys';
import { readEntries } from '../../os/directory.ts';
import { check } from '../../os/errno.ts';
import { close, O, open } from '../../os/fd.ts';
import { fstat, isType, S } from '../../os/stat.ts';
import type { Storage } from '../../protocols/gen/agent.ts';
import { FSGroupChangePolicy } from '../../protocols/gen/types.ts';
import { NR } from '../../syscall/numbers.ts';

const READ_WRITE = 0o660;
const READ_ONLY = 0o440;
const ENTER = 0o110;
const SET_GROUP_ID = 0o2000;
const AT_EMPTY_PATH = 0x1000;
const DT_DIR = 4;
const DT_LNK = 10;
const KEEP_OWNER = -1;

/**
 * Gives a volume to a pod's group (Kubernetes' fsGroup): every file belongs to it and can be read and, unless the
 * volume is read-only, written by it; new ones inherit it. Links are left as they are, and never followed.
 */
export function setFsGroup(storage: Storage): void {
  const { fsGroup, mountPoint, options } = storage;
  if (fsGroup === undefined) return;
  const mode = options.includes('ro') ? READ_ONLY : READ_WRITE;
  const fd = open(mountPoint, O.RDONLY);
  try {
    const { gid, mode: found } = fstat(fd);
    const wanted = mode | ENTER | SET_GROUP_ID;
    const fits = gid === fsGroup.groupId && (found & wanted) === wanted;
    if (fits && fsGroup.groupChangePolicy === FSGroupChangePolicy.OnRootMismatch) return;
    giveTree(fd, fsGroup.groupId, mode, mountPoint);
  } finally {
    close(fd);
  }
}

/** By descriptors, so that a link swapped in meanwhile leads nowhere. */
function giveTree(fd: number, group: number, mode: number, what: string): void {
  const before = fstat(fd);
  if (isType(before, S.IFDIR)) {
    for (const { rawName, type } of readEntries(fd, what)) {
      if (type === DT_LNK) continue;
      const flags = O.NOFOLLOW | O.NONBLOCK | O.CLOEXEC | (type === DT_DIR ? O.DIRECTORY | O.RDONLY : O.PATH);
      const child = check(syscall(NR.openat, fd, rawName, flags, 0), `open a file of ${what}`);
      try {
        giveTree(child, group, mode, what);
      } finally {
        close(child);
      }
    }
  } else if (isType(before, S.IFLNK)) {
    return;
  }
  check(syscall(NR.fchownat, fd, '', KEEP_OWNER, group, AT_EMPTY_PATH), `give ${what} to group ${group}`);
  const more = isType(before, S.IFDIR) ? ENTER | SET_GROUP_ID : 0;
  // A descriptor that was opened as a path has no mode of its own to change; its link in /proc has.
  const path = `/proc/self/fd/${fd}`;
  check(syscall(NR.fchmodat, -100, path, (before.mode & 0o7777) | mode | more), `let group ${group} use ${what}`);
}
