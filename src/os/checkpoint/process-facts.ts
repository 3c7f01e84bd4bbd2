import { KataError } from '../../errors/kata-error.ts';
import { NR } from '../../syscall/numbers.ts';
import { check } from '../errno.ts';
import { readFile, readlink, readText } from '../file.ts';
import type { Mapping } from './memory-map.ts';
import { PAGE_BYTES } from './own-pages.ts';
import { readMemory } from './remote-memory.ts';
import type { Tracee } from './tracee.ts';

const SIGNALS = 64;
const SIGACTION_BYTES = 32;
const SIGSET_BYTES = 8;
const SS_DISABLE = 2;
const MAP_PRIVATE_ANONYMOUS = 0x22;

/** A signal that is not handled as by default, with the kernel's `struct sigaction`. */
export interface SignalAction {
  signal: number;
  action: Uint8Array;
}

/** What is asked of a process as a whole while it is stopped. */
export interface ProcessFacts {
  executable: string;
  signalActions: SignalAction[];
  /** Newest first. */
  seccompFilters: Uint8Array[];
  noNewPrivileges: boolean;
  /** `struct prctl_mm_map` without its two last fields: where code, heap, stack and arguments begin and end. */
  layout: BigUint64Array;
}

/** Asks a stopped process, partly by calls that its threads make; the caller puts their registers back. */
export function factsOf(pid: number, tracees: readonly Tracee[], instruction: number): ProcessFacts {
  const leader = tracees[0]!;
  const status = readText(`/proc/${pid}/status`);
  if (readFile(`/proc/${pid}/timers`).length > 0) throw unsupported('no POSIX timers are expected');
  const scratch = leader.call(instruction, NR.mmap, 0, PAGE_BYTES, 3, MAP_PRIVATE_ANONYMOUS, -1, 0);
  check(scratch, 'map a page in the process');
  try {
    for (const tracee of tracees) checkSignalStack(pid, tracee, instruction, scratch);
    return {
      executable: readlink(`/proc/${pid}/exe`),
      signalActions: signalActionsOf(pid, leader, instruction, scratch),
      seccompFilters: /^Seccomp:\t2$/m.test(status) ? seccompFiltersOf(leader) : [],
      noNewPrivileges: /^NoNewPrivs:\t1$/m.test(status),
      layout: layoutOf(pid, leader.call(instruction, NR.brk, 0)),
    };
  } finally {
    leader.call(instruction, NR.munmap, scratch, PAGE_BYTES);
  }
}

/** The address of a `syscall` instruction that is in every process: in the kernel's own code for it. */
export function syscallInstruction(pid: number, vdso: Pick<Mapping, 'start' | 'end'>): number {
  const code = new Uint8Array(vdso.end - vdso.start);
  readMemory(pid, vdso.start, code);
  for (let at = 0; at < code.length - 1; at++) if (code[at] === 0x0f && code[at + 1] === 0x05) return vdso.start + at;
  throw unsupported('a syscall instruction is expected in the vdso');
}

function checkSignalStack(pid: number, tracee: Tracee, instruction: number, scratch: number): void {
  check(tracee.call(instruction, NR.sigaltstack, 0, scratch), 'ask for the signal stack of a thread');
  const stack = new BigUint64Array(3);
  readMemory(pid, scratch, stack);
  if ((Number(stack[1]! & 0xffff_ffffn) & SS_DISABLE) === 0) throw unsupported('no alternate signal stack is expected');
}

function signalActionsOf(pid: number, leader: Tracee, instruction: number, scratch: number): SignalAction[] {
  const actions: SignalAction[] = [];
  for (let signal = 1; signal <= SIGNALS; signal++) {
    check(leader.call(instruction, NR.rt_sigaction, signal, 0, scratch, SIGSET_BYTES), `ask for signal ${signal}`);
    const action = new Uint8Array(SIGACTION_BYTES);
    readMemory(pid, scratch, action);
    if (action.some((byte) => byte !== 0)) actions.push({ signal, action });
  }
  return actions;
}

function seccompFiltersOf(leader: Tracee): Uint8Array[] {
  const filters: Uint8Array[] = [];
  for (;;) {
    const filter = leader.seccompFilter(filters.length);
    if (filter === null) return filters;
    filters.push(filter);
  }
}

/** Fields of `/proc/PID/stat` behind the name, which may hold spaces itself (proc_pid_stat(5)); the first one is number 3. */
function layoutOf(pid: number, heapEnd: number): BigUint64Array {
  const text = readText(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): bigint => BigInt(fields[number - 3]!);
  const [code, data, heap, args, env] = [[26, 27], [45, 46], [47], [48, 49], [50, 51]].map((of) => of.map(field));
  return new BigUint64Array([...code!, ...data!, ...heap!, BigInt(heapEnd), field(28), ...args!, ...env!]);
}

const unsupported = (what: string): KataError => new KataError('unimplemented', `${what} of a process that is saved`);
