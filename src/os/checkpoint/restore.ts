import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { NR } from '../../syscall/numbers.ts';
import { concatenate } from '../bytes.ts';
import { check } from '../errno.ts';
import { close, O, open } from '../fd.ts';
import { identityOf } from '../file-identity.ts';
import { SIGNAL } from '../signal.ts';
import { utf8Encode } from '../utf8.ts';
import { CALL_WORDS, failedCall } from './call-program.ts';
import { letGo } from './freeze.ts';
import { PROGRAM_ADDRESS, type ProcessImage, type ThreadState } from './image.ts';
import { type Mapping, mappingsOf } from './memory-map.ts';
import { PAGE_BYTES } from './own-pages.ts';
import { syscallInstruction } from './process-facts.ts';
import { describeSignal, REGISTER } from './registers.ts';
import { readMemory, writeMemory } from './remote-memory.ts';
import { Stops } from './stops.ts';
import { SIGTRAP, Tracee, unexpected } from './tracee.ts';

const PROT_ALL = 7;
/** MAP_PRIVATE | MAP_FIXED_NOREPLACE */
const MAP_PRIVATE_FIXED = 0x100002;
const MREMAP_MAYMOVE_FIXED = 3;

export interface RestoreOptions {
  /** The file of the pages. */
  path: string;
  /** What `ps` is to show instead of the words that it was started with: in all, at most as long. */
  commandLine: (words: readonly string[]) => readonly string[];
  /** Whether it was started with a `spare` descriptor. */
  hasSpare: boolean;
}

/** Throws `failed-precondition` when a file that the process maps is not the one that it was. */
export function checkImage(image: ProcessImage): void {
  for (const { path, identity } of image.files)
    if (identityOf(path).identity !== identity)
      throw new KataError('failed-precondition', `${path} was replaced since a process that maps it was saved`);
}

/**
 * Makes a process what another one was when it was saved. It is a child of this one that called `becomeTraceable`, has just
 * executed `image.executable`, and has the descriptors of the image. It goes on when this returns; when this throws, it is
 * good for nothing and to be killed.
 */
export function restoreImage(pid: number, image: ProcessImage, options: RestoreOptions): void {
  const stops = new Stops(pid);
  const leader = Tracee.afterExec(pid, stops);
  const threads = [leader];
  const fd = open(options.path, O.RDONLY);
  try {
    const instruction = clearMemory(leader, image);
    runMain(leader, image, (tid) => {
      threads.push(new Tracee(tid, stops));
    });
    for (const thread of threads.slice(1)) thread.waitForStop();
    if (image.lists.prefault !== null) prefault(leader, image.lists.prefault);
    image.threads.forEach((_, index) => {
      runList(threads[index]!, image.lists.threads[index]!);
    });
    if (options.hasSpare) replaceMemory(leader, instruction, image);
    runList(leader, image.lists.last);
    writeMemory(pid, image.threadIdAddress, new Uint8Array(new Int32Array([pid]).buffer));
    writeMemory(pid, image.commandLine.start, padded(options.commandLine(image.commandLine.words), image.commandLine));
    check(
      leader.call(instruction, NR.munmap, image.program.address, programBytes(image)),
      'unmap what remade a process',
    );
    image.threads.forEach((state, index) => {
      setState(threads[index]!, state, fd);
    });
    for (const thread of threads) thread.detach();
  } catch (error) {
    letGo(threads, SIGNAL.KILL);
    throw error;
  } finally {
    close(fd);
  }
}

const programBytes = ({ program }: ProcessImage): number => Math.ceil(program.bytes / PAGE_BYTES) * PAGE_BYTES;

/** Takes away what the process has mapped, but for the program and the kernel's own; a `syscall` instruction in there. */
function clearMemory(leader: Tracee, image: ProcessImage): number {
  const { program, descriptors } = image;
  const mappings = mappingsOf(leader.tid).filter(({ special }) => special !== 'vsyscall');
  const vdso = mappings.find(({ special }) => special === 'vdso');
  if (vdso === undefined) throw unexpected(leader.tid, 'have a vdso', 'none');
  let instruction = syscallInstruction(leader.tid, vdso);
  const mapped = leader.call(
    instruction,
    NR.mmap,
    program.address,
    programBytes(image),
    PROT_ALL,
    MAP_PRIVATE_FIXED,
    descriptors.pages,
    0,
  );
  check(mapped, 'map what remakes a process');
  for (const { start, end, special } of mappings)
    if (special === '') check(leader.call(instruction, NR.munmap, start, end - start), 'unmap memory of a new process');
  const offset = instruction - vdso.start;
  let spare = program.address + programBytes(image) + PAGE_BYTES;
  const moves = mappings
    .filter(({ special }) => special !== '')
    .map((mapping) => ({ mapping, to: placeOf(image, mapping) }));
  if (moves.some(({ mapping, to }) => mapping.start !== to)) {
    // By way of a place where nothing is: where one goes, another one may be.
    for (const move of moves) {
      const bytes = move.mapping.end - move.mapping.start;
      instruction = moveSpecial(leader, instruction, offset, move.mapping, spare);
      move.mapping.end = spare + bytes;
      move.mapping.start = spare;
      spare += bytes;
    }
    for (const { mapping, to } of moves) instruction = moveSpecial(leader, instruction, offset, mapping, to);
  }
  return instruction;
}

function placeOf(image: ProcessImage, { special, start, end }: Mapping): number {
  const place = image.special.find(({ name }) => name === special);
  if (place !== undefined && place.end - place.start === end - start) return place.start;
  throw new KataError(
    'failed-precondition',
    `the kernel's ${special} of ${end - start} bytes is expected as it was saved`,
  );
}

/** Moves a mapping of the kernel's own; where the instruction is then. */
function moveSpecial(leader: Tracee, instruction: number, offset: number, from: Mapping, to: number): number {
  const bytes = from.end - from.start;
  const moved = leader.call(instruction, NR.mremap, from.start, bytes, bytes, MREMAP_MAYMOVE_FIXED, to);
  check(moved, `move the kernel's ${from.special}`);
  return from.special === 'vdso' ? to + offset : instruction;
}

/** Remakes memory, descriptors and threads; `onThread` hears of each thread that was made. */
function runMain(leader: Tracee, image: ProcessImage, onThread: (tid: number) => void): void {
  startList(leader, image.lists.main);
  for (;;) {
    const { signal, cloned } = leader.continue();
    if (cloned) onThread(leader.eventMessage());
    else {
      checkList(leader, signal);
      return;
    }
  }
}

function runList(thread: Tracee, list: number): void {
  startList(thread, list);
  const { signal } = thread.continue();
  checkList(thread, signal);
}

function replaceMemory(leader: Tracee, instruction: number, { descriptors }: ProcessImage): void {
  const { spare, memory } = descriptors;
  check(leader.call(instruction, NR.dup3, spare, memory, 0), "replace the descriptor of a process's memory");
  leader.call(instruction, NR.close, spare);
}

/** Kernels before 5.14 refuse it at the first call: nothing is lost but time. */
function prefault(leader: Tracee, list: number): void {
  startList(leader, list);
  const { signal } = leader.continue();
  if (signal !== SIGTRAP) throw unexpected(leader.tid, 'touch its pages', describeSignal(signal));
}

function startList(thread: Tracee, list: number): void {
  const registers = thread.registers();
  registers[REGISTER.rip] = BigInt(PROGRAM_ADDRESS);
  registers[REGISTER.rbx] = BigInt(list);
  registers[REGISTER.origRax] = ~0n;
  thread.setRegisters(registers);
}

/** Throws when a program did not come to the end of its list. */
function checkList(thread: Tracee, signal: number): void {
  const call = new BigUint64Array(CALL_WORDS);
  if (signal !== SIGTRAP) throw unexpected(thread.tid, 'make its calls', describeSignal(signal));
  readMemory(thread.tid, Number(thread.registers()[REGISTER.rbx]!), call);
  const failed = failedCall(call);
  if (failed !== null) {
    const args = [...call.subarray(1, 7)].map((argument) => `0x${argument.toString(16)}`).join(', ');
    check(Math.min(failed.answer, 0), `remake a process by system call ${failed.nr} (${args})`);
    throw unexpected(thread.tid, `get its own answer from system call ${failed.nr} (${args})`, String(failed.answer));
  }
}

function setState(thread: Tracee, state: ThreadState, fd: number): void {
  const { offset, bytes } = state.extendedState;
  const extended = new Uint8Array(bytes);
  check(syscall(NR.pread64, fd, extended, bytes, offset) === bytes ? 0 : -5, 'read the state of a thread');
  thread.setExtendedState(extended);
  thread.setSignalMask(BigInt(state.signalMask));
  thread.setRegisters(new BigUint64Array(state.registers.map(BigInt)));
}

function padded(args: readonly string[], { start, end }: ProcessImage['commandLine']): Uint8Array {
  const bytes = new Uint8Array(end - start);
  const text = concatenate(args.map((arg) => utf8Encode(`${arg}\0`)));
  bytes.set(text.subarray(0, bytes.length - 1));
  return bytes;
}
