import { utf8Encode } from '../utf8.ts';

/** One system call: number, six arguments, the expected answer, the answer. */
const WORDS = 9;
const CALL_BYTES = WORDS * 8;
const [EXPECTED, ANSWER] = [7, 8];
const END = 2n ** 64n - 1n;
/** Any answer that is no error will do. */
const ANY = END;

/**
 * x86-64 code that makes the calls of a list at rbx, one after another, and traps behind the last, or behind the first whose
 * answer is not the expected one; rbx is then at that one. It stands for a tracer's stop and go at each call, which takes
 * 30 times as long.
 */
const CODE = [
  [0x48, 0x8b, 0x03], // next: mov rax, [rbx]
  [0x48, 0x83, 0xf8, 0xff], // cmp rax, END
  [0x74, 0x3d], // je done
  [0x48, 0x8b, 0x7b, 0x08], // mov rdi, [rbx + 8]
  [0x48, 0x8b, 0x73, 0x10], // mov rsi, [rbx + 16]
  [0x48, 0x8b, 0x53, 0x18], // mov rdx, [rbx + 24]
  [0x4c, 0x8b, 0x53, 0x20], // mov r10, [rbx + 32]
  [0x4c, 0x8b, 0x43, 0x28], // mov r8, [rbx + 40]
  [0x4c, 0x8b, 0x4b, 0x30], // mov r9, [rbx + 48]
  [0x0f, 0x05], // syscall
  [0x48, 0x89, 0x43, 0x40], // mov [rbx + 64], rax
  [0x48, 0x8b, 0x4b, 0x38], // mov rcx, [rbx + 56]
  [0x48, 0x83, 0xf9, 0xff], // cmp rcx, ANY
  [0x74, 0x07], // je any
  [0x48, 0x39, 0xc8], // cmp rax, rcx
  [0x75, 0x10], // jne done
  [0xeb, 0x08], // jmp good
  [0x48, 0x3d, 0x00, 0xf0, 0xff, 0xff], // any: cmp rax, -4096
  [0x77, 0x06], // ja done
  [0x48, 0x83, 0xc3, CALL_BYTES], // good: add rbx, 72
  [0xeb, 0xba], // jmp next
  [0xcc], // done: int3
].flat();
const CODE_BYTES = 128;

type Argument = number | bigint;

/**
 * A program of system calls for a process that knows nothing of it: code, the memory that the calls speak of, and the lists
 * of calls, to be placed at a fixed address.
 */
export class CallProgram {
  readonly #base: number;
  readonly #data: number[] = [];
  readonly #lists: Argument[][][] = [];

  /** @param base where it will be */
  constructor(base: number) {
    this.#base = base;
  }

  /** Puts bytes into the program, on a multiple of eight; their address. */
  data(bytes: Uint8Array): number {
    const address = this.#base + CODE_BYTES + this.#data.length;
    for (const byte of bytes) this.#data.push(byte);
    while (this.#data.length % 8 !== 0) this.#data.push(0);
    return address;
  }

  text(text: string): number {
    return this.data(utf8Encode(`${text}\0`));
  }

  /** A new list of calls, behind those that were made before. */
  list(): CallList {
    const calls: Argument[][] = [];
    this.#lists.push(calls);
    return new CallList(calls);
  }

  /** The program's bytes, and the address of each list in the order of their making. */
  assemble(): { bytes: Uint8Array; lists: number[] } {
    const lists: number[] = [];
    const start = CODE_BYTES + this.#data.length;
    const total = this.#lists.reduce((sum, calls) => sum + (calls.length + 1) * CALL_BYTES, 0);
    const bytes = new Uint8Array(start + total);
    bytes.set(CODE);
    bytes.set(this.#data, CODE_BYTES);
    const words = new DataView(bytes.buffer);
    let at = start;
    for (const calls of this.#lists) {
      lists.push(this.#base + at);
      for (const call of [...calls, [END]]) {
        call.forEach((word, index) => {
          words.setBigUint64(at + index * 8, BigInt.asUintN(64, BigInt(word)), true);
        });
        at += CALL_BYTES;
      }
    }
    return { bytes, lists };
  }
}

/** Calls to be made in their order. */
export class CallList {
  readonly #calls: Argument[][];

  constructor(calls: Argument[][]) {
    this.#calls = calls;
  }

  /** A call that must not fail. */
  add(nr: number, ...args: Argument[]): void {
    this.#push(nr, args, ANY);
  }

  /** A call whose answer must be this one. */
  addExpecting(answer: number, nr: number, ...args: Argument[]): void {
    this.#push(nr, args, answer);
  }

  #push(nr: number, args: Argument[], expected: Argument): void {
    const words: Argument[] = new Array<Argument>(WORDS).fill(0);
    words[0] = nr;
    args.forEach((argument, index) => {
      words[index + 1] = argument;
    });
    words[EXPECTED] = expected;
    this.#calls.push(words);
  }
}

/** What the processor's rbx points to when a program has stopped: null at the end of its list, else the call that went wrong. */
export function failedCall(call: BigUint64Array): { nr: number; answer: number } | null {
  if (call[0] === END) return null;
  return { nr: Number(call[0]), answer: Number(BigInt.asIntN(64, call[ANSWER]!)) };
}

export const CALL_WORDS = WORDS;
