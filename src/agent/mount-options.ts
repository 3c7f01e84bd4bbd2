import { KataError } from '../errors/kata-error.ts';
import { MOUNT_ATTR, MS } from '../os/mount-flags.ts';

/** Options of a mount, as fstab(5) and the runtime-spec write them, in the kernel's terms. */
export interface MountOptions {
  /** Flags of mount(2), BIND and REC left out (they are `bind` and `recursive`). */
  flags: number;
  /** Flags that the options ask to be off: `exec` clears MS_NOEXEC. For a remount of what is there already. */
  clearFlags: number;
  /** Propagation changes in their order, each `MS.SHARED`, `SLAVE`, `PRIVATE` or `UNBINDABLE`, with `MS.REC` for rshared. */
  propagation: number[];
  /** The same as `flags` and `clearFlags`, for mount_setattr(2): of this mount, and (`rro`) of every mount below. */
  attributes: MountAttributes;
  /** What the file system itself reads, joined by commas: `mode=755,size=65536k`. */
  data: string;
  /** `bind` or `rbind`. */
  bind: boolean;
  /** `rbind`: what is mounted below the source comes along. */
  recursive: boolean;
  /** `tmpcopyup`: a new tmpfs begins with what the image has at its place. */
  copyUp: boolean;
}

export interface MountAttributes {
  set: number;
  clear: number;
  recursiveSet: number;
  recursiveClear: number;
}

/** What an option sets (`on`) or clears of mount(2)'s flags. */
const FLAGS: Readonly<Record<string, { flag: number; on: boolean }>> = {
  acl: { flag: MS.POSIXACL, on: true },
  async: { flag: MS.SYNCHRONOUS, on: false },
  atime: { flag: MS.NOATIME, on: false },
  dev: { flag: MS.NODEV, on: false },
  diratime: { flag: MS.NODIRATIME, on: false },
  dirsync: { flag: MS.DIRSYNC, on: true },
  exec: { flag: MS.NOEXEC, on: false },
  iversion: { flag: MS.I_VERSION, on: true },
  lazytime: { flag: MS.LAZYTIME, on: true },
  loud: { flag: MS.SILENT, on: false },
  mand: { flag: MS.MANDLOCK, on: true },
  noacl: { flag: MS.POSIXACL, on: false },
  noatime: { flag: MS.NOATIME, on: true },
  nodev: { flag: MS.NODEV, on: true },
  nodiratime: { flag: MS.NODIRATIME, on: true },
  noexec: { flag: MS.NOEXEC, on: true },
  noiversion: { flag: MS.I_VERSION, on: false },
  nolazytime: { flag: MS.LAZYTIME, on: false },
  nomand: { flag: MS.MANDLOCK, on: false },
  norelatime: { flag: MS.RELATIME, on: false },
  nostrictatime: { flag: MS.STRICTATIME, on: false },
  nosuid: { flag: MS.NOSUID, on: true },
  nosymfollow: { flag: MS.NOSYMFOLLOW, on: true },
  relatime: { flag: MS.RELATIME, on: true },
  remount: { flag: MS.REMOUNT, on: true },
  ro: { flag: MS.RDONLY, on: true },
  rw: { flag: MS.RDONLY, on: false },
  silent: { flag: MS.SILENT, on: true },
  strictatime: { flag: MS.STRICTATIME, on: true },
  suid: { flag: MS.NOSUID, on: false },
  symfollow: { flag: MS.NOSYMFOLLOW, on: false },
  sync: { flag: MS.SYNCHRONOUS, on: true },
};

const PROPAGATION: Readonly<Record<string, number>> = {
  private: MS.PRIVATE,
  rprivate: MS.PRIVATE | MS.REC,
  rshared: MS.SHARED | MS.REC,
  rslave: MS.SLAVE | MS.REC,
  runbindable: MS.UNBINDABLE | MS.REC,
  shared: MS.SHARED,
  slave: MS.SLAVE,
  unbindable: MS.UNBINDABLE,
};

/** Options that a mount itself can have, so that `r` before them means every mount below too. */
const ATTRIBUTES: Readonly<Record<string, { set: number; clear: number }>> = {
  ro: { set: MOUNT_ATTR.RDONLY, clear: 0 },
  rw: { set: 0, clear: MOUNT_ATTR.RDONLY },
  nosuid: { set: MOUNT_ATTR.NOSUID, clear: 0 },
  suid: { set: 0, clear: MOUNT_ATTR.NOSUID },
  nodev: { set: MOUNT_ATTR.NODEV, clear: 0 },
  dev: { set: 0, clear: MOUNT_ATTR.NODEV },
  noexec: { set: MOUNT_ATTR.NOEXEC, clear: 0 },
  exec: { set: 0, clear: MOUNT_ATTR.NOEXEC },
  nodiratime: { set: MOUNT_ATTR.NODIRATIME, clear: 0 },
  diratime: { set: 0, clear: MOUNT_ATTR.NODIRATIME },
  nosymfollow: { set: MOUNT_ATTR.NOSYMFOLLOW, clear: 0 },
  symfollow: { set: 0, clear: MOUNT_ATTR.NOSYMFOLLOW },
  // The access time is one field of three values; relatime is 0. It changes by clearing all of it.
  relatime: { set: 0, clear: MOUNT_ATTR.ATIME },
  atime: { set: 0, clear: MOUNT_ATTR.ATIME },
  nostrictatime: { set: 0, clear: MOUNT_ATTR.ATIME },
  norelatime: { set: 0, clear: MOUNT_ATTR.ATIME },
  noatime: { set: MOUNT_ATTR.NOATIME, clear: MOUNT_ATTR.ATIME },
  strictatime: { set: MOUNT_ATTR.STRICTATIME, clear: MOUNT_ATTR.ATIME },
};

/** Words for fstab's readers in user space; no file system knows them. */
const FOR_USER_SPACE = /^(?:defaults|auto|noauto|nofail|_netdev|(?:x-|X-|comment=).*)$/;

/**
 * Options of a mount in the kernel's terms. A later option wins over an earlier one. What is no flag is the file
 * system's. Throws `unimplemented` for `idmap` and `ridmap`.
 */
export function parseMountOptions(options: readonly string[]): MountOptions {
  const parsed: MountOptions = {
    flags: 0,
    clearFlags: 0,
    propagation: [],
    attributes: { set: 0, clear: 0, recursiveSet: 0, recursiveClear: 0 },
    data: '',
    bind: false,
    recursive: false,
    copyUp: false,
  };
  const data: string[] = [];
  for (const option of options) if (!applyOption(parsed, option)) data.push(option);
  parsed.data = data.join(',');
  return parsed;
}

/** False when the option is none of ours. */
function applyOption(parsed: MountOptions, option: string): boolean {
  if (option === '' || FOR_USER_SPACE.test(option)) return true;
  if (option === 'bind' || option === 'rbind') {
    parsed.bind = true;
    parsed.recursive = option === 'rbind';
    return true;
  }
  if (option === 'tmpcopyup') {
    parsed.copyUp = true;
    return true;
  }
  if (option === 'idmap' || option === 'ridmap')
    throw new KataError('unimplemented', `mount option ${option}: expected a mount without id mapping, found one`, {
      hint: 'mount it without an id mapping',
    });
  if (Object.hasOwn(PROPAGATION, option)) {
    parsed.propagation.push(PROPAGATION[option]!);
    return true;
  }
  return applyFlag(parsed, option) || applyRecursive(parsed.attributes, option);
}

function applyFlag(parsed: MountOptions, option: string): boolean {
  if (!Object.hasOwn(FLAGS, option)) return false;
  const { flag, on } = FLAGS[option]!;
  parsed.flags = on ? parsed.flags | flag : parsed.flags & ~flag;
  parsed.clearFlags = on ? parsed.clearFlags & ~flag : parsed.clearFlags | flag;
  if (!Object.hasOwn(ATTRIBUTES, option)) return true;
  const { attributes } = parsed;
  const { set, clear } = ATTRIBUTES[option]!;
  attributes.set = (attributes.set & ~clear) | set;
  attributes.clear = withoutSet(attributes.clear, set) | clear;
  return true;
}

/** `rro`, `rnosuid`, … of the runtime-spec, section Linux mount options. */
function applyRecursive(attributes: MountAttributes, option: string): boolean {
  const plain = option.slice(1);
  if (!option.startsWith('r') || !Object.hasOwn(ATTRIBUTES, plain)) return false;
  const { set, clear } = ATTRIBUTES[plain]!;
  attributes.recursiveSet = (attributes.recursiveSet & ~clear) | set;
  attributes.recursiveClear = withoutSet(attributes.recursiveClear, set) | clear;
  return true;
}

/** What is set again is no longer to be cleared; but the field of the access time is cleared whenever it is set. */
function withoutSet(clear: number, set: number): number {
  return clear & ~(set & ~MOUNT_ATTR.ATIME);
}
