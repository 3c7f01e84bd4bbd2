import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { NR } from '../../syscall/numbers.ts';
import { check } from '../errno.ts';
import { readText } from '../file.ts';
import type { CallList, CallProgram } from './call-program.ts';
import { REGISTER, restartingCall } from './registers.ts';
import { readMemory } from './remote-memory.ts';
import type { RseqConfiguration, Tracee } from './tracee.ts';

/** glibc's `struct pthread`, which fsbase points to, takes some 2300 bytes. */
const PTHREAD_BYTES = 2304;
const CLONE =
  0x00000100 | // VM
  0x00000200 | // FS
  0x00000400 | // FILES
  0x00000800 | // SIGHAND
  0x00010000 | // THREAD
  0x00040000 | // SYSVSEM
  0x00100000 | // PARENT_SETTID
  0x00200000; // CHILD_CLEARTID
const PR_SET_NAME = 15;

/** A thread that has stopped, with all that the kernel knows of it. */
export interface SavedThread {
  /** As `restartingCall` returns them. */
  registers: BigUint64Array;
  extendedState: Uint8Array;
  signalMask: bigint;
  name: string;
  robustList: { head: number; bytes: number };
  rseq: RseqConfiguration | null;
}

export function saveThread(pid: number, tracee: Tracee): SavedThread {
  const robustList = new BigUint64Array(2);
  const [head, length] = [robustList.subarray(0, 1), robustList.subarray(1, 2)];
  check(syscall(NR.get_robust_list, tracee.tid, head, length), 'read the list of robust futexes');
  return {
    registers: restartingCall(tracee.registers()),
    extendedState: tracee.extendedState(),
    signalMask: tracee.signalMask(),
    name: readText(`/proc/${pid}/task/${tracee.tid}/comm`).trimEnd(),
    robustList: { head: Number(head[0]), bytes: Number(length[0]) },
    rseq: tracee.rseq(),
  };
}

export const fsBase = ({ registers }: SavedThread): number => Number(registers[REGISTER.fsBase]!);

/**
 * How far behind its fsbase the C library keeps each thread's own id: the place that holds it in all of them. It is found,
 * not known, so that any version will do. `unimplemented` when there is none.
 */
export function threadIdOffset(pid: number, threads: readonly { tid: number; saved: SavedThread }[]): number {
  const blocks = threads.map(({ tid, saved }) => {
    const block = new Uint8Array(PTHREAD_BYTES);
    readMemory(pid, fsBase(saved), block);
    return { tid, words: new Int32Array(block.buffer) };
  });
  const word = blocks[0]!.words.findIndex((_, index) => blocks.every(({ tid, words }) => words[index] === tid));
  if (word >= 0) return word * 4;
  throw new KataError(
    'unimplemented',
    'a C library that keeps thread ids behind fsbase is expected, found another one',
  );
}

/** Adds the call by which the first thread makes a further one. The kernel writes its id where the C library looks. */
export function addClone(calls: CallList, thread: SavedThread, idOffset: number): void {
  const id = fsBase(thread) + idOffset;
  calls.add(NR.clone, CLONE, thread.registers[REGISTER.rsp]!, id, id, 0);
}

/** Adds what a thread has to tell the kernel itself. */
export function addThreadSetUp(program: CallProgram, calls: CallList, { name, robustList, rseq }: SavedThread): void {
  if (robustList.head !== 0) calls.add(NR.set_robust_list, robustList.head, robustList.bytes);
  if (rseq !== null) calls.add(NR.rseq, rseq.address, rseq.bytes, 0, rseq.signature);
  calls.add(NR.prctl, PR_SET_NAME, program.text(name), 0, 0, 0);
}
