import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { NR } from '../../syscall/numbers.ts';
import { check } from '../errno.ts';
import { close, O, open } from '../fd.ts';
import { readText } from '../file.ts';
import { identityOf } from '../file-identity.ts';
import { dataRuns, type FileRun } from '../sparse-file.ts';
import { type CallList, CallProgram } from './call-program.ts';
import { addDescriptors, type Descriptor, descriptorsOf, givenOf } from './descriptors.ts';
import { freezeAtRest, letGo } from './freeze.ts';
import { PROGRAM_ADDRESS, PROGRAM_MAX_BYTES, type ProcessImage, type ThreadState } from './image.ts';
import { type Mapping, mappingsOf } from './memory-map.ts';
import { factsOf, type ProcessFacts, syscallInstruction } from './process-facts.ts';
import { savePages } from './save-pages.ts';
import { addClone, addThreadSetUp, fsBase, type SavedThread, saveThread, threadIdOffset } from './thread.ts';
import type { Tracee } from './tracee.ts';

const PR_SET_NO_NEW_PRIVS = 38;
const PR_SET_MM = 35;
const PR_SET_MM_MAP = 14;
const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_FILTER_FLAG_TSYNC = 1;
const SOCK_FILTER_BYTES = 8;
const SIGSET_BYTES = 8;
const MIN_HOLE_BYTES = 32 * 1024;
const NO_FD = 0xffff_ffffn;
/** Of `struct prctl_mm_map`. */
const [ARG_START, ARG_END] = [7, 8];

export interface SaveOptions {
  /** A file for the pages, made anew. */
  path: string;
  /** The file that the process has mapped as its memory: restored processes map it privately. It must not change any more. */
  memoryPath: string;
  /** Descriptors that a restored process is started with. */
  given: readonly number[];
}

/**
 * Saves a process of x86-64 Linux so that it can be restored any number of times; it goes on meanwhile as if nothing had
 * been. `unimplemented` when it has something that cannot be made again: files that it reads or writes, sockets that are not given,
 * memory that it shares.
 */
export async function saveImage(pid: number, options: SaveOptions): Promise<ProcessImage> {
  const tracees = await freezeAtRest(pid);
  const threads: SavedThread[] = [];
  let fd = -1;
  try {
    for (const tracee of tracees) threads.push(saveThread(pid, tracee));
    fd = open(options.path, O.RDWR | O.CREAT | O.TRUNC);
    const mappings = mappingsOf(pid);
    const special = mappings.filter((mapping) => mapping.special !== '' && mapping.special !== 'vsyscall');
    const vdso = special.find((mapping) => mapping.special === 'vdso');
    if (vdso === undefined) throw new KataError('unimplemented', 'a vdso is expected in a process that is saved');
    const facts = factsOf(pid, tracees, syscallInstruction(pid, vdso));
    const descriptors = descriptorsOf(pid, options.given, options.memoryPath);
    return write({
      pid,
      fd,
      options,
      threads,
      tids: tracees.map(({ tid }) => tid),
      mappings,
      special,
      facts,
      descriptors,
    });
  } finally {
    close(fd);
    putBack(tracees, threads);
    letGo(tracees);
  }
}

/** Lets threads make the calls again that they were stopped in: others were made in between. */
function putBack(tracees: readonly Tracee[], threads: readonly SavedThread[]): void {
  try {
    threads.forEach(({ registers }, index) => {
      tracees[index]!.setRegisters(registers);
    });
  } catch {
    // The process is ending.
  }
}

interface Found {
  pid: number;
  fd: number;
  options: SaveOptions;
  tids: number[];
  threads: SavedThread[];
  mappings: Mapping[];
  special: Mapping[];
  facts: ProcessFacts;
  descriptors: Map<number, Descriptor>;
}

function write(found: Found): ProcessImage {
  const { pid, fd, threads, facts, descriptors } = found;
  const program = new CallProgram(PROGRAM_ADDRESS);
  const main = program.list();
  const given = givenOf(descriptors);
  const isMemory = ({ file }: Mapping): boolean => file?.path === found.options.memoryPath;
  const memoryFd = [...descriptors].find(([, { kind }]) => kind === 'memory')?.[0];
  if (memoryFd === undefined)
    throw new KataError('unimplemented', `a process is expected to have ${found.options.memoryPath} open, it has not`);
  const pagesFd = Math.max(...descriptors.keys()) + 1;
  const idOffset = threadIdOffset(
    pid,
    threads.map((saved, index) => ({ tid: found.tids[index]!, saved })),
  );
  const files = savePages(found.mappings, {
    pid,
    program,
    calls: main,
    fd,
    restoredFd: pagesFd,
    offset: PROGRAM_MAX_BYTES,
    memory: { path: found.options.memoryPath, data: dataOf(found.options.memoryPath), restoredFd: memoryFd },
    freeFd: lowestFree([...given, pagesFd]),
  });
  addDescriptors(program, main, descriptors);
  addLayout(program, main, facts);
  addSignalActions(program, main, facts);
  const threadIdAddress = fsBase(threads[0]!) + idOffset;
  main.add(NR.set_tid_address, threadIdAddress);
  for (const thread of threads.slice(1)) addClone(main, thread, idOffset);
  main.add(NR.close, pagesFd);
  for (const thread of threads) addThreadSetUp(program, program.list(), thread);
  addConfinement(program, program.list(), facts);
  const states = threads.map((thread) => stateOf(program, thread));
  const { bytes, lists } = program.assemble();
  if (bytes.length > PROGRAM_MAX_BYTES)
    throw new KataError(
      'unimplemented',
      `what remakes a process takes ${bytes.length} bytes, more than is meant for it`,
    );
  writeAt(fd, bytes, 0);
  return {
    version: 1,
    executable: facts.executable,
    program: { address: PROGRAM_ADDRESS, bytes: bytes.length },
    lists: { main: lists[0]!, prefault: null, threads: lists.slice(1, -1), last: lists.at(-1)! },
    threads: states,
    threadIdAddress,
    memory: found.mappings.filter(isMemory).map(({ start, end }) => ({ start, end })),
    special: found.special.map(({ special: name, start, end }) => ({ name, start, end })),
    commandLine: {
      start: Number(facts.layout[ARG_START]),
      end: Number(facts.layout[ARG_END]),
      words: readText(`/proc/${pid}/cmdline`).split('\0').slice(0, -1),
    },
    descriptors: { pages: pagesFd, memory: memoryFd, spare: pagesFd + 1 },
    files: files.map(identityOf),
  };
}

/** What of a file is no hole; short holes count as data, each would take one more mapping. */
function dataOf(path: string): FileRun[] {
  const fd = open(path, O.RDONLY);
  try {
    const runs: FileRun[] = [];
    for (const { start, end } of dataRuns(fd)) {
      const last = runs.at(-1);
      if (last !== undefined && start - last.end < MIN_HOLE_BYTES) last.end = end;
      else runs.push({ start, end });
    }
    return runs;
  } finally {
    close(fd);
  }
}

function lowestFree(taken: readonly number[]): number {
  let fd = 0;
  while (taken.includes(fd)) fd++;
  return fd;
}

/** Where the heap ends and the arguments are: the kernel would go on from those of the program that was started. */
function addLayout(program: CallProgram, calls: CallList, { layout }: ProcessFacts): void {
  const map = program.data(bytesOf(new BigUint64Array([...layout, 0n, NO_FD << 32n])));
  calls.add(NR.prctl, PR_SET_MM, PR_SET_MM_MAP, map, (layout.length + 2) * 8, 0);
}

function addSignalActions(program: CallProgram, calls: CallList, { signalActions }: ProcessFacts): void {
  for (const { signal, action } of signalActions)
    calls.add(NR.rt_sigaction, signal, program.data(action), 0, SIGSET_BYTES);
}

/** The last thing: what the process is no longer allowed to do, for all threads. */
function addConfinement(program: CallProgram, calls: CallList, facts: ProcessFacts): void {
  if (facts.noNewPrivileges) calls.add(NR.prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  for (const filter of facts.seccompFilters.slice().reverse()) {
    const length = BigInt(filter.length / SOCK_FILTER_BYTES);
    const prog = program.data(bytesOf(new BigUint64Array([length, BigInt(program.data(filter))])));
    calls.addExpecting(0, NR.seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, prog);
  }
}

function stateOf(program: CallProgram, { registers, signalMask, extendedState }: SavedThread): ThreadState {
  return {
    registers: [...registers].map(String),
    signalMask: String(signalMask),
    extendedState: { offset: program.data(extendedState) - PROGRAM_ADDRESS, bytes: extendedState.length },
  };
}

function writeAt(fd: number, bytes: Uint8Array, offset: number): void {
  const count = syscall(NR.pwrite64, fd, bytes, bytes.length, offset);
  check(count === bytes.length ? 0 : Math.min(count, -1), 'write what remakes a process');
}

const bytesOf = (words: BigUint64Array): Uint8Array => new Uint8Array(words.buffer);
