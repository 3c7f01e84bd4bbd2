import { syscall } from 'sys';
import { NR } from '../syscall/numbers.ts';
import { check, ERRNO } from './errno.ts';
import { close, O, open } from './fd.ts';

const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const FALLOC_FL_KEEP_SIZE = 1;
const FALLOC_FL_PUNCH_HOLE = 2;
const PAGE_BYTES = 4096;
const PAGE_WORDS = PAGE_BYTES / 4;
const PIECE_BYTES = 1024 * 1024;

/** A part of a file, from `start` to before `end`. */
export interface FileRun {
  start: number;
  end: number;
}

/** The parts of a file that are no holes, in order (lseek(2), SEEK_DATA). */
export function* dataRuns(fd: number): Generator<FileRun> {
  for (let end = 0; ; ) {
    const start = syscall(NR.lseek, fd, end, SEEK_DATA);
    // No data behind.
    if (start === -ERRNO.ENXIO) return;
    end = check(syscall(NR.lseek, fd, check(start, 'find data in a file'), SEEK_HOLE), 'find holes in a file');
    yield { start, end };
  }
}

/** Makes holes where a file has pages of zeros: it reads as before, and takes less. The bytes that it takes less. */
export function dropZeroPages(path: string): number {
  const fd = open(path, O.RDWR);
  try {
    const words = new Uint32Array(PIECE_BYTES / 4);
    let dropped = 0;
    for (const run of [...dataRuns(fd)]) {
      for (let at = run.start; at < run.end; at += PIECE_BYTES) {
        const bytes = Math.min(PIECE_BYTES, run.end - at);
        const count = check(syscall(NR.pread64, fd, words, bytes, at), `read ${path}`);
        for (const { start, end } of zeroRuns(words, Math.floor(count / PAGE_BYTES))) {
          punchHole(fd, at + start, end - start, path);
          dropped += end - start;
        }
      }
    }
    return dropped;
  } finally {
    close(fd);
  }
}

/** Runs of pages that are all zeros. */
function* zeroRuns(words: Uint32Array, pages: number): Generator<FileRun> {
  let start = -1;
  for (let page = 0; page <= pages; page++) {
    const isZero = page < pages && isZeroPage(words, page * PAGE_WORDS);
    if (isZero && start < 0) start = page * PAGE_BYTES;
    if (!isZero && start >= 0) {
      yield { start, end: page * PAGE_BYTES };
      start = -1;
    }
  }
}

function isZeroPage(words: Uint32Array, from: number): boolean {
  for (let i = from; i < from + PAGE_WORDS; i++) if (words[i] !== 0) return false;
  return true;
}

function punchHole(fd: number, start: number, bytes: number, path: string): void {
  const mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  check(syscall(NR.fallocate, fd, mode, start, bytes), `make a hole in ${path}`);
}
