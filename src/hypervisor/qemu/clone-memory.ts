import { syscall } from 'sys';
import { check } from '../../os/errno.ts';
import { close, O, open } from '../../os/fd.ts';
import { dataRuns } from '../../os/sparse-file.ts';
import { stat } from '../../os/stat.ts';
import { NR } from '../../syscall/numbers.ts';

const MFD_CLOEXEC = 1;

/** A file in memory as large as a guest's, and empty: its descriptor, the caller's to close. */
export function emptyMemory(path: string): number {
  const fd = check(syscall(NR.memfd_create, 'guest', MFD_CLOEXEC), "make a file for a guest's memory");
  try {
    check(syscall(NR.ftruncate, fd, stat(path).sizeBytes), "size a guest's memory");
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}

/** A copy of a guest's memory, for a VM to write to and to give back; what is a hole stays one. The descriptor is the caller's. */
export function copyMemory(path: string): number {
  const from = open(path, O.RDONLY);
  let to = -1;
  try {
    to = emptyMemory(path);
    for (const { start, end } of dataRuns(from)) copy(from, to, start, end);
    return to;
  } catch (error) {
    close(to);
    throw error;
  } finally {
    close(from);
  }
}

function copy(from: number, to: number, start: number, end: number): void {
  const offset = new BigInt64Array([BigInt(start)]);
  check(syscall(NR.lseek, to, start, 0), "go to a place in a guest's memory");
  while (Number(offset[0]) < end) {
    const count = syscall(NR.sendfile, to, from, offset, end - Number(offset[0]));
    if (check(count, "copy a guest's memory") === 0) return;
  }
}
