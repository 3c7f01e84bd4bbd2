import { syscall } from 'sys';
import { NR } from '../../syscall/numbers.ts';
import { check } from '../errno.ts';
import { close, O, open } from '../fd.ts';

export const PAGE_BYTES = 4096;
const ENTRY_BYTES = 8;
/** Of an entry's upper half (proc_pid_pagemap(5)). */
const PRESENT = 1 << 31;
const SWAPPED = 1 << 30;
const OF_FILE = 1 << 29;
/** Nobody may touch it (MADV_GUARD_INSTALL); told by Linux 6.15 and newer. */
const GUARD = 1 << 26;
const CHUNK_PAGES = 8192;
/** A hole so short costs less as a page of zeros than as one more mapping. */
const MAX_GAP_PAGES = 4;
/** The kernel maps as many pages of a file at once anyway. */
const READ_GAP_PAGES = 16;

/** Pages that lie side by side. */
export interface PageRun {
  start: number;
  end: number;
}

/** Tells which pages of a process are its own: written, and not what a file holds. */
export class PageMap {
  readonly #fd: number;
  readonly #chunk = new Uint32Array(CHUNK_PAGES * 2);

  constructor(pid: number) {
    this.#fd = open(`/proc/${pid}/pagemap`, O.RDONLY);
  }

  /** Runs of own pages, in order; short holes between them are part of them. */
  ownPages(start: number, end: number, gapPages = MAX_GAP_PAGES): PageRun[] {
    return this.#runs(start, end, isOwn, gapPages);
  }

  /** Runs of pages that are there, own or not. */
  presentPages(start: number, end: number): PageRun[] {
    return this.#runs(start, end, (upper) => (upper & PRESENT) !== 0, READ_GAP_PAGES);
  }

  /** Pages that guard others, as behind the stacks of threads with glibc 2.42. */
  guardPages(start: number, end: number): PageRun[] {
    return this.#runs(start, end, isGuard, 0);
  }

  #runs(start: number, end: number, isWanted: (upper: number) => boolean, gapPages: number): PageRun[] {
    const runs: PageRun[] = [];
    let guard = -1;
    for (let at = start; at < end; at += CHUNK_PAGES * PAGE_BYTES) {
      const pages = Math.min(CHUNK_PAGES, (end - at) / PAGE_BYTES);
      this.#read(at, pages);
      for (let page = 0; page < pages; page++) {
        const upper = this.#chunk[page * 2 + 1]!;
        // No run goes over a guard.
        if (isGuard(upper)) guard = at + page * PAGE_BYTES;
        if (isWanted(upper)) addPage(runs, at + page * PAGE_BYTES, gapPages, guard);
      }
    }
    return runs;
  }

  #read(at: number, pages: number): void {
    const bytes = pages * ENTRY_BYTES;
    const count = syscall(NR.pread64, this.#fd, this.#chunk, bytes, (at / PAGE_BYTES) * ENTRY_BYTES);
    check(count === bytes ? 0 : Math.min(count, -1), 'read which pages a process has');
  }

  close(): void {
    close(this.#fd);
  }
}

const isOwn = (upper: number): boolean => (upper & (PRESENT | SWAPPED)) !== 0 && (upper & (OF_FILE | GUARD)) === 0;
const isGuard = (upper: number): boolean => (upper & GUARD) !== 0;

function addPage(runs: PageRun[], page: number, gapPages: number, guard: number): void {
  const last = runs.at(-1);
  const isBeside = last !== undefined && page - last.end <= gapPages * PAGE_BYTES;
  if (isBeside && (guard < last.end || guard === page)) last.end = page + PAGE_BYTES;
  else runs.push({ start: page, end: page + PAGE_BYTES });
}
