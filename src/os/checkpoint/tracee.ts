import { addressOf, syscall, type TypedArray } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { NR } from '../../syscall/numbers.ts';
import { check, ERRNO } from '../errno.ts';
import { describeSignal, REGISTER } from './registers.ts';
import type { Stop, Stops } from './stops.ts';

/** ptrace(2) requests, events and options. */
const PTRACE = {
  TRACEME: 0,
  CONT: 7,
  SINGLESTEP: 9,
  GETREGS: 12,
  SETREGS: 13,
  DETACH: 17,
  SETOPTIONS: 0x4200,
  GETEVENTMSG: 0x4201,
  GETREGSET: 0x4204,
  SETREGSET: 0x4205,
  SEIZE: 0x4206,
  INTERRUPT: 0x4207,
  GETSIGMASK: 0x420a,
  SETSIGMASK: 0x420b,
  SECCOMP_GET_FILTER: 0x420c,
  GET_RSEQ_CONFIGURATION: 0x420f,
} as const;
const PTRACE_O_TRACECLONE = 8;
const PTRACE_O_EXITKILL = 0x100000;

const NT_X86_XSTATE = 0x202;
/** More than any processor's state takes: AMX alone has 8 KiB. */
const MAX_XSTATE_BYTES = 64 * 1024;
const REGISTERS = 27;
const SIGMASK_BYTES = 8;
const SOCK_FILTER_BYTES = 8;

export const SIGTRAP = 5;

/** How glibc and the kernel share a thread's restartable sequences (rseq(2)). */
export interface RseqConfiguration {
  address: number;
  bytes: number;
  signature: number;
}

/** Lets the parent trace this process, from its next exec on. To be called by a child before it becomes another program. */
export function becomeTraceable(): void {
  check(syscall(NR.ptrace, PTRACE.TRACEME, 0, null, null), 'be traced by the parent');
}

/**
 * A thread that this process traces (ptrace(2)) and that has stopped. All calls block: it is stopped when they return. It is
 * killed with its process when this process ends first.
 */
export class Tracee {
  readonly tid: number;
  readonly #stops: Stops;

  constructor(tid: number, stops: Stops) {
    this.tid = tid;
    this.#stops = stops;
  }

  /** Stops a thread that runs. */
  static seize(tid: number, stops: Stops): Tracee {
    const tracee = new Tracee(tid, stops);
    tracee.#request(PTRACE.SEIZE, 0, 0, 'trace');
    tracee.#request(PTRACE.INTERRUPT, 0, 0, 'interrupt');
    tracee.waitForStop();
    return tracee;
  }

  /** Takes a child that called `becomeTraceable` and has just become another program. */
  static afterExec(pid: number, stops: Stops): Tracee {
    const tracee = new Tracee(pid, stops);
    const { signal } = tracee.waitForStop();
    if (signal !== SIGTRAP) throw unexpected(pid, 'stop at the start of its program', describeSignal(signal));
    tracee.#request(PTRACE.SETOPTIONS, 0, PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE, 'set the options of');
    return tracee;
  }

  /** Waits until it has stopped. */
  waitForStop(): Stop {
    return this.#stops.next(this.tid);
  }

  /** What came with the last event: the id of the thread that it made. */
  eventMessage(): number {
    const message = new BigUint64Array(1);
    this.#request(PTRACE.GETEVENTMSG, 0, message, 'ask for the event of');
    return Number(message[0]);
  }

  /** `struct user_regs_struct`, by the indexes of `REGISTER`. */
  registers(): BigUint64Array {
    const registers = new BigUint64Array(REGISTERS);
    this.#request(PTRACE.GETREGS, 0, registers, 'read the registers of');
    return registers;
  }

  setRegisters(registers: BigUint64Array): void {
    this.#request(PTRACE.SETREGS, 0, registers, 'set the registers of');
  }

  /** What floating point and vectors are made of, as XSAVE writes it. */
  extendedState(): Uint8Array {
    const state = new Uint8Array(MAX_XSTATE_BYTES);
    const vector = new BigUint64Array([addressOf(state), BigInt(state.length)]);
    this.#request(PTRACE.GETREGSET, NT_X86_XSTATE, vector, 'read the extended state of');
    return state.slice(0, Number(vector[1]));
  }

  setExtendedState(state: Uint8Array): void {
    const vector = new BigUint64Array([addressOf(state), BigInt(state.length)]);
    this.#request(PTRACE.SETREGSET, NT_X86_XSTATE, vector, 'set the extended state of');
  }

  signalMask(): bigint {
    const mask = new BigUint64Array(1);
    this.#request(PTRACE.GETSIGMASK, SIGMASK_BYTES, mask, 'read the signal mask of');
    return mask[0]!;
  }

  setSignalMask(mask: bigint): void {
    this.#request(PTRACE.SETSIGMASK, SIGMASK_BYTES, new BigUint64Array([mask]), 'set the signal mask of');
  }

  /** A seccomp filter's instructions, the newest filter first; null behind the last. */
  seccompFilter(index: number): Uint8Array | null {
    const count = syscall(NR.ptrace, PTRACE.SECCOMP_GET_FILTER, this.tid, index, null);
    if (count === -ERRNO.ENOENT) return null;
    const filter = new Uint8Array(check(count, 'count the instructions of a seccomp filter') * SOCK_FILTER_BYTES);
    this.#request(PTRACE.SECCOMP_GET_FILTER, index, filter, 'read a seccomp filter of');
    return filter;
  }

  /** Null when it registered none. Kernels before 5.13 do not tell, and have C libraries that register none. */
  rseq(): RseqConfiguration | null {
    const configuration = new Uint32Array(6);
    const request = PTRACE.GET_RSEQ_CONFIGURATION;
    const bytes = syscall(NR.ptrace, request, this.tid, configuration.byteLength, configuration);
    if (bytes === -ERRNO.EIO) return null;
    check(bytes, `ask for the rseq of thread ${this.tid}`);
    const address = configuration[0]! + configuration[1]! * 2 ** 32;
    return address === 0 ? null : { address, bytes: configuration[2]!, signature: configuration[3]! };
  }

  /** Goes on until the next stop. */
  continue(): Stop {
    this.#request(PTRACE.CONT, 0, 0, 'continue');
    return this.waitForStop();
  }

  /**
   * Has it make one system call; its answer or `-errno`. `instruction` is the address of a `syscall` instruction in it.
   * Its registers are not put back.
   */
  call(instruction: number, nr: number, ...args: (number | bigint)[]): number {
    const registers = this.registers();
    registers[REGISTER.rip] = BigInt(instruction);
    registers[REGISTER.rax] = BigInt(nr);
    // So that the kernel sees no call of the tracee's that it interrupted, and restarts none.
    registers[REGISTER.origRax] = ~0n;
    const order = ['rdi', 'rsi', 'rdx', 'r10', 'r8', 'r9'] as const;
    order.forEach((name, index) => {
      registers[REGISTER[name]] = BigInt.asUintN(64, BigInt(args[index] ?? 0));
    });
    this.setRegisters(registers);
    this.#request(PTRACE.SINGLESTEP, 0, 0, 'step');
    const { signal } = this.waitForStop();
    if (signal !== SIGTRAP) throw unexpected(this.tid, 'make a system call', describeSignal(signal));
    return Number(BigInt.asIntN(64, this.registers()[REGISTER.rax]!));
  }

  /** Of a thread that is ending. */
  fetchEnded(): void {
    this.#stops.fetchEnded(this.tid);
  }

  /** Lets it go on by itself, beginning with a signal if there is one. */
  detach(signal = 0): void {
    this.#request(PTRACE.DETACH, 0, signal, 'let go of');
  }

  #request(request: number, address: number, data: number | TypedArray, what: string): void {
    check(syscall(NR.ptrace, request, this.tid, address, data), `${what} thread ${this.tid}`);
  }
}

export const unexpected = (tid: number, what: string, found: string): KataError =>
  new KataError('internal', `thread ${tid} is expected to ${what}, found ${found}`);
