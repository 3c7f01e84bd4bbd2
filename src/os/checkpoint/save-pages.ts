import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { NR } from '../../syscall/numbers.ts';
import { check } from '../errno.ts';
import { AT_FDCWD, O } from '../fd.ts';
import type { FileRun } from '../sparse-file.ts';
import type { CallList, CallProgram } from './call-program.ts';
import { type Mapping, PROT } from './memory-map.ts';
import { PageMap, type PageRun } from './own-pages.ts';
import { readMemory } from './remote-memory.ts';

const MAP = { PRIVATE: 2, FIXED: 0x10, ANONYMOUS: 0x20, NORESERVE: 0x4000 } as const;
const ANONYMOUS = MAP.PRIVATE | MAP.FIXED | MAP.ANONYMOUS | MAP.NORESERVE;
const MADV_HUGEPAGE = 14;
const MADV_NOHUGEPAGE = 15;
const MADV_GUARD_INSTALL = 102;
/** What is copied at once, and left out when it is zeros. */
const PIECE_BYTES = 64 * 1024;
/** The stack may grow to what the resource limit usually is. */
const STACK_BYTES = 8 * 2 ** 20;

export interface PageTarget {
  pid: number;
  program: CallProgram;
  calls: CallList;
  /** The file that pages are written to, open for writing, and the number of its descriptor in a restored process. */
  fd: number;
  restoredFd: number;
  /** Where in the file. */
  offset: number;
  /** The file that is the process's memory, what of it is no hole, and its descriptor in a restored process. */
  memory: { path: string; data: readonly FileRun[]; restoredFd: number };
  /** The lowest descriptor that is free in a restored process. */
  freeFd: number;
}

/** Writes a stopped process's own pages to a file, and adds the calls that map them, and all else that it maps. The files that it maps. */
export function savePages(mappings: readonly Mapping[], target: PageTarget): string[] {
  const files = new Set<string>();
  const pages = new PageMap(target.pid);
  let opened = '';
  try {
    for (const mapping of mappings) {
      if (mapping.special !== '') continue;
      const isMemory = mapping.file?.path === target.memory.path;
      const own = isMemory ? [] : pages.ownPages(mapping.start, mapping.end);
      const [first] = own;
      const isWhole = mapping.file !== null && first?.start === mapping.start && first.end === mapping.end;
      const path = mapping.file !== null && !isMemory && !isWhole ? mapping.file.path : '';
      if (opened !== path) {
        if (opened !== '') target.calls.add(NR.close, target.freeFd);
        if (path !== '') openFile(target, path);
        opened = path;
      }
      if (path !== '') files.add(path);
      if (isMemory) addMemory(target, mapping);
      else if (!isWhole) addMapping(target, mapping);
      for (const run of own) saveRun(target, run, mapping);
      for (const { start, end } of isMemory ? [] : pages.guardPages(mapping.start, mapping.end))
        target.calls.add(NR.madvise, start, end - start, MADV_GUARD_INSTALL);
    }
    if (opened !== '') target.calls.add(NR.close, target.freeFd);
  } finally {
    pages.close();
  }
  return [...files];
}

function openFile({ program, calls, freeFd }: PageTarget, path: string): void {
  calls.addExpecting(freeFd, NR.openat, AT_FDCWD, program.text(path), O.RDONLY);
}

function addMapping({ calls, freeFd }: PageTarget, mapping: Mapping): void {
  const { end, protection, file, shared, isStack, wantsHugePages } = mapping;
  let { start } = mapping;
  if (file !== null) {
    calls.addExpecting(start, NR.mmap, start, end - start, protection, MAP.PRIVATE | MAP.FIXED, freeFd, file.offset);
    return;
  }
  if (shared) throw new KataError('unimplemented', 'memory that is shared with other processes cannot be saved');
  if (isStack) start = Math.min(start, end - STACK_BYTES);
  calls.addExpecting(start, NR.mmap, start, end - start, protection, ANONYMOUS, -1, 0);
  if (wantsHugePages) calls.add(NR.madvise, start, end - start, MADV_HUGEPAGE);
}

/**
 * Maps the file where it has data, and memory without a file where it has holes: of a hole that is mapped, each page that is
 * touched becomes a page of the file.
 */
function addMemory({ calls, memory }: PageTarget, { start, end, protection, file }: Mapping): void {
  calls.addExpecting(start, NR.mmap, start, end - start, protection, ANONYMOUS, -1, 0);
  calls.add(NR.madvise, start, end - start, MADV_NOHUGEPAGE);
  const [first, last] = [file!.offset, file!.offset + end - start];
  for (const run of memory.data) {
    const [from, to] = [Math.max(run.start, first), Math.min(run.end, last)];
    if (from >= to) continue;
    const at = start + from - first;
    calls.addExpecting(at, NR.mmap, at, to - from, protection, MAP.PRIVATE | MAP.FIXED, memory.restoredFd, from);
  }
}

/** Saves own pages. Of memory without a file, pieces that are all zeros are left out: they are there already. */
function saveRun(target: PageTarget, { start, end }: PageRun, mapping: Mapping): void {
  if ((mapping.protection & PROT.READ) === 0)
    throw new KataError('unimplemented', 'memory that can be read is expected of a process that is saved');
  const buffer = new Uint8Array(Math.min(PIECE_BYTES, end - start));
  let from = start;
  for (let at = start; at < end; at += buffer.length) {
    const piece = buffer.subarray(0, Math.min(buffer.length, end - at));
    readMemory(target.pid, at, piece);
    if (mapping.file === null && isZero(piece)) {
      addRun(target, { start: from, end: at }, mapping);
      from = at + piece.length;
    } else {
      const count = syscall(NR.pwrite64, target.fd, piece, piece.length, target.offset + at - from);
      check(count === piece.length ? 0 : Math.min(count, -1), 'write the pages of a process');
    }
  }
  addRun(target, { start: from, end }, mapping);
}

/** Adds the call that maps pages which were written at the target's offset, and goes on behind them. */
function addRun(target: PageTarget, { start, end }: PageRun, { protection, isStack }: Mapping): void {
  if (end === start) return;
  const { calls, restoredFd, offset } = target;
  const flags = MAP.PRIVATE | MAP.FIXED;
  // The stack is copied: of arguments, ps finds those that are in no file.
  if (isStack) calls.addExpecting(end - start, NR.pread64, restoredFd, start, end - start, offset);
  else calls.addExpecting(start, NR.mmap, start, end - start, protection, flags, restoredFd, offset);
  target.offset += end - start;
}

function isZero(piece: Uint8Array): boolean {
  const words = new Uint32Array(piece.buffer, 0, piece.length / 4);
  for (let i = 0; i < words.length; i++) if (words[i] !== 0) return false;
  return true;
}
