import { KataError } from '../../errors/kata-error.ts';
import { readText } from '../file.ts';

export const PROT = { READ: 1, WRITE: 2, EXEC: 4 } as const;

/** One mapping of a process, of `/proc/PID/smaps` (proc_pid_smaps(5)). */
export interface Mapping {
  start: number;
  end: number;
  /** Of `PROT`. */
  protection: number;
  shared: boolean;
  /** Of the file that is mapped, and where in it; null for memory without one. */
  file: { path: string; offset: number } | null;
  /** `[vdso]`, `[vvar]`: the kernel's own; else empty. */
  special: string;
  /** The first thread's stack, with the arguments. */
  isStack: boolean;
  /** Huge pages were asked for (MADV_HUGEPAGE). */
  wantsHugePages: boolean;
}

const HEAD = /^([0-9a-f]+)-([0-9a-f]+) ([r-])([w-])([x-])([ps]) ([0-9a-f]+) \S+ (\d+) *(.*)$/;
const SPECIAL = /^\[(vdso|vvar|vvar_vclock|vsyscall|uprobes)\]$/;

/** All mappings of a process, by address. */
export function mappingsOf(pid: number): Mapping[] {
  return parseMappings(readText(`/proc/${pid}/smaps`));
}

export function parseMappings(smaps: string): Mapping[] {
  const mappings: Mapping[] = [];
  for (const line of smaps.split('\n')) {
    const head = HEAD.exec(line);
    if (head !== null) mappings.push(mappingOf(head));
    else if (line.startsWith('VmFlags:')) mappings.at(-1)!.wantsHugePages = line.split(' ').includes('hg');
  }
  if (mappings.length === 0) throw new KataError('internal', 'mappings of a process are expected, found none');
  return mappings;
}

function mappingOf([, start, end, read, write, exec, sharing, offset, inode, name = '']: RegExpExecArray): Mapping {
  return {
    start: Number.parseInt(start!, 16),
    end: Number.parseInt(end!, 16),
    protection: (read === 'r' ? PROT.READ : 0) | (write === 'w' ? PROT.WRITE : 0) | (exec === 'x' ? PROT.EXEC : 0),
    shared: sharing === 's',
    // `[heap]` and `[stack]` are memory as any other.
    file: inode === '0' ? null : { path: name, offset: Number.parseInt(offset!, 16) },
    isStack: name === '[stack]',
    special: SPECIAL.exec(name)?.[1] ?? '',
    wantsHugePages: false,
  };
}
