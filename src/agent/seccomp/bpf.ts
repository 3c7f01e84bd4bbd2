import { KataError } from '../../errors/kata-error.ts';

/** One instruction of classic BPF, `struct sock_filter` (linux/filter.h). Jumps count the instructions they pass over. */
export interface Instruction {
  code: number;
  jt: number;
  jf: number;
  k: number;
}

/** The most instructions that the kernel takes (BPF_MAXINSNS). */
export const MAX_INSTRUCTIONS = 4096;
/** The farthest that a conditional jump reaches. */
export const MAX_CONDITIONAL_JUMP = 255;

/** Codes of the instructions that a seccomp filter needs (linux/bpf_common.h). */
export const BPF = {
  /** A = the 32-bit word at k of `struct seccomp_data`. */
  LOAD: 0x20,
  AND: 0x54,
  JUMP: 0x05,
  JUMP_EQ: 0x15,
  JUMP_GT: 0x25,
  JUMP_GE: 0x35,
  RETURN: 0x06,
} as const;

export const load = (offset: number): Instruction => ({ code: BPF.LOAD, jt: 0, jf: 0, k: offset });
export const and = (mask: number): Instruction => ({ code: BPF.AND, jt: 0, jf: 0, k: mask });
export const jump = (distance: number): Instruction => ({ code: BPF.JUMP, jt: 0, jf: 0, k: distance });
export const ret = (value: number): Instruction => ({ code: BPF.RETURN, jt: 0, jf: 0, k: value });

/** Jumps by a comparison of A with k, unsigned. Both distances must be within reach. */
export function jumpIf(code: number, k: number, whenTrue: number, whenFalse: number): Instruction {
  if (whenTrue > MAX_CONDITIONAL_JUMP || whenFalse > MAX_CONDITIONAL_JUMP)
    throw new KataError('internal', `BPF: expected a jump of at most 255, found ${Math.max(whenTrue, whenFalse)}`);
  return { code, jt: whenTrue, jf: whenFalse, k };
}

/** Goes on with `low` when A < k, else with `high`, however long they are. */
export function branch(k: number, low: readonly Instruction[], high: readonly Instruction[]): Instruction[] {
  if (low.length <= MAX_CONDITIONAL_JUMP) return [jumpIf(BPF.JUMP_GE, k, low.length, 0), ...low, ...high];
  return [jumpIf(BPF.JUMP_GE, k, 0, 1), jump(low.length), ...low, ...high];
}

/** Goes on with `then` when A is k, else behind it, however long it is. */
export function onlyIfEqual(k: number, then: readonly Instruction[]): Instruction[] {
  if (then.length <= MAX_CONDITIONAL_JUMP) return [jumpIf(BPF.JUMP_EQ, k, 0, then.length), ...then];
  return [jumpIf(BPF.JUMP_EQ, k, 1, 0), jump(then.length), ...then];
}

/** The program's bytes as the kernel reads them, 8 an instruction, little-endian. Throws when there are too many. */
export function encode(program: readonly Instruction[]): Uint8Array {
  if (program.length > MAX_INSTRUCTIONS)
    throw new KataError(
      'invalid-argument',
      `linux.seccomp: expected a filter of at most ${MAX_INSTRUCTIONS} instructions, found ${program.length}`,
      { hint: 'shorten the seccomp profile: fewer conditions, fewer architectures' },
    );
  // Two little-endian words each: x86-64 and arm64 have no other order.
  const words = new Uint32Array(program.length * 2);
  let at = 0;
  for (const { code, jt, jf, k } of program) {
    words[at++] = code | (jt << 16) | (jf << 24);
    words[at++] = k;
  }
  return new Uint8Array(words.buffer);
}
