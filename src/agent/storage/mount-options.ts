import { MS } from '../../os/mount.ts';

/** What mount(2) takes instead of a storage's options. */
export interface MountArguments {
  flags: number;
  /** The file system's own options, joined. */
  data: string;
}

/** Options that are flags, and whether they set or clear them (mount(8)). Others are the file system's own. */
const FLAGS: Readonly<Record<string, readonly [set: boolean, flag: number]>> = {
  defaults: [true, 0],
  ro: [true, MS.RDONLY],
  rw: [false, MS.RDONLY],
  suid: [false, MS.NOSUID],
  nosuid: [true, MS.NOSUID],
  dev: [false, MS.NODEV],
  nodev: [true, MS.NODEV],
  exec: [false, MS.NOEXEC],
  noexec: [true, MS.NOEXEC],
  sync: [true, MS.SYNCHRONOUS],
  async: [false, MS.SYNCHRONOUS],
  dirsync: [true, MS.DIRSYNC],
  remount: [true, MS.REMOUNT],
  mand: [true, MS.MANDLOCK],
  nomand: [false, MS.MANDLOCK],
  atime: [false, MS.NOATIME],
  noatime: [true, MS.NOATIME],
  diratime: [false, MS.NODIRATIME],
  nodiratime: [true, MS.NODIRATIME],
  relatime: [true, MS.RELATIME],
  norelatime: [false, MS.RELATIME],
  strictatime: [true, MS.STRICTATIME],
  nostrictatime: [false, MS.STRICTATIME],
  lazytime: [true, MS.LAZYTIME],
  bind: [true, MS.BIND],
  rbind: [true, MS.BIND | MS.REC],
};

/** Parts a storage's options into flags and the file system's own. Of two that disagree the last counts. */
export function mountArguments(options: readonly string[]): MountArguments {
  let flags = 0;
  const data: string[] = [];
  for (const option of options.flatMap((text) => text.split(','))) {
    const known = Object.hasOwn(FLAGS, option) ? FLAGS[option] : undefined;
    if (known === undefined) data.push(option);
    else flags = known[0] ? flags | known[1] : flags & ~known[1];
  }
  return { flags, data: data.filter((option) => option !== '').join(',') };
}

/** The value of `name=value` among options, the last of several; undefined when it is not there. */
export function optionValue(options: readonly string[], name: string): string | undefined {
  return options.findLast((option) => option.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** The values of every `name=value` among options. */
export function optionValues(options: readonly string[], name: string): string[] {
  return options.filter((option) => option.startsWith(`${name}=`)).map((option) => option.slice(name.length + 1));
}
