import { syscall } from 'sys';
import { readEntries } from '../../os/directory.ts';
import { check } from '../../os/errno.ts';
import { close, O } from '../../os/fd.ts';
import { fstat, S, type Stat } from '../../os/stat.ts';
import { NR } from '../../syscall/numbers.ts';

const AT_SYMLINK_NOFOLLOW = 0x100;
const SENDFILE_MAX = 1 << 24;

/**
 * Copies what a folder holds into another: the option `tmpcopyup` of a tmpfs. Modes, owners, symlinks and devices are
 * kept; extended attributes, hard links and holes are not. Both are descriptors of open folders, the umask is 0.
 */
export function copyTree(fromFd: number, toFd: number): void {
  for (const { rawName } of readEntries(fromFd, 'the folder to copy')) {
    const fd = check(
      syscall(NR.openat, fromFd, rawName, O.PATH | O.NOFOLLOW | O.CLOEXEC, 0),
      'open a file that is copied',
    );
    try {
      copyEntry(fromFd, toFd, rawName, fstat(fd), fd);
    } finally {
      close(fd);
    }
  }
}

function copyEntry(fromFd: number, toFd: number, name: Uint8Array, stat: Stat, pathFd: number): void {
  const permissions = stat.mode & 0o7777;
  switch (stat.mode & S.IFMT) {
    case S.IFDIR:
      check(syscall(NR.mkdirat, toFd, name, permissions), 'make a folder');
      withFolders(fromFd, toFd, name, copyTree);
      break;
    case S.IFREG:
      copyFile(fromFd, toFd, name, permissions);
      break;
    case S.IFLNK: {
      const target = new Uint8Array(4096);
      check(syscall(NR.readlinkat, pathFd, '', target, target.length - 1), 'read a symlink');
      check(syscall(NR.symlinkat, target, toFd, name), 'make a symlink');
      break;
    }
    default: {
      const device = ((stat.rdevMinor >>> 8) << 20) | (stat.rdevMajor << 8) | (stat.rdevMinor & 0xff);
      check(syscall(NR.mknodat, toFd, name, stat.mode, device), 'make a node');
    }
  }
  const owned = syscall(NR.fchownat, toFd, name, stat.uid, stat.gid, AT_SYMLINK_NOFOLLOW);
  check(owned, 'give a copy to its owner');
  // A change of owner takes setuid and setgid bits away.
  const special = (permissions & 0o6000) !== 0 && (stat.mode & S.IFMT) !== S.IFLNK;
  if (special) check(syscall(NR.fchmodat, toFd, name, permissions), 'set the mode of a copy');
}

function withFolders(fromFd: number, toFd: number, name: Uint8Array, action: (from: number, to: number) => void): void {
  const flags = O.RDONLY | O.DIRECTORY | O.NOFOLLOW | O.CLOEXEC;
  const from = check(syscall(NR.openat, fromFd, name, flags, 0), 'open a folder');
  try {
    const to = check(syscall(NR.openat, toFd, name, flags, 0), 'open a folder');
    try {
      action(from, to);
    } finally {
      close(to);
    }
  } finally {
    close(from);
  }
}

function copyFile(fromFd: number, toFd: number, name: Uint8Array, mode: number): void {
  const from = check(syscall(NR.openat, fromFd, name, O.RDONLY | O.NOFOLLOW | O.CLOEXEC, 0), 'open a file');
  try {
    const flags = O.WRONLY | O.CREAT | O.EXCL | O.CLOEXEC;
    const to = check(syscall(NR.openat, toFd, name, flags, mode), 'make a file');
    try {
      while (check(syscall(NR.sendfile, to, from, null, SENDFILE_MAX), 'copy a file') > 0);
    } finally {
      close(to);
    }
  } finally {
    close(from);
  }
}
