import { ALL_ACCESS, type DeviceRule, type DeviceRules } from './device-rule.ts';

/** Bytes of an instruction of eBPF: code, registers, offset of a jump or of memory, immediate value. */
export const INSTRUCTION_SIZE = 8;

/** Codes of the instructions that a device filter needs (linux/bpf.h, RFC 9669). The arithmetic is that of 32 bits. */
export const EBPF = {
  /** dst = the 32-bit word at src + offset. */
  LOAD: 0x61,
  MOVE: 0xb4,
  COPY: 0xbc,
  AND: 0x54,
  SHIFT_RIGHT: 0x74,
  JUMP: 0x05,
  JUMP_NOT_EQUAL: 0x56,
  /** Jumps when dst and the value have a bit in common. */
  JUMP_ANY_BIT: 0x46,
  EXIT: 0x95,
} as const;

/** Registers: the result, the context at the start, and what is read from it. */
const RESULT = 0;
const CONTEXT = 1;
const TYPE = 2;
const WANTED = 3;
const MAJOR = 4;
const MINOR = 5;

interface Instruction {
  code: number;
  to: number;
  from: number;
  offset: number;
  value: number;
}

const make = (code: number, to: number, value = 0, offset = 0, from = 0): Instruction => ({
  code,
  to,
  from,
  offset,
  value,
});
const answer = (allow: boolean): Instruction[] => [make(EBPF.MOVE, RESULT, allow ? 1 : 0), make(EBPF.EXIT, 0)];

/**
 * The rules as a program of type BPF_PROG_TYPE_CGROUP_DEVICE, which answers 1 for what may be done. It goes from the last
 * rule to the first and keeps what is wanted and not yet allowed: with nothing left of it the answer is yes, with
 * something of it denied it is no.
 */
export function deviceProgram({ allowByDefault, rules }: DeviceRules): Uint8Array {
  return encode([
    // struct bpf_cgroup_dev_ctx: type and access, 16 bits each; major; minor.
    make(EBPF.LOAD, TYPE, 0, 0, CONTEXT),
    make(EBPF.LOAD, MAJOR, 0, 4, CONTEXT),
    make(EBPF.LOAD, MINOR, 0, 8, CONTEXT),
    make(EBPF.COPY, WANTED, 0, 0, TYPE),
    make(EBPF.SHIFT_RIGHT, WANTED, 16),
    make(EBPF.AND, TYPE, 0xffff),
    ...rules.toReversed().flatMap(ruleCode),
    ...answer(allowByDefault),
  ]);
}

function ruleCode({ allow, type, major, minor, access }: DeviceRule): Instruction[] {
  const code = verdict(allow, access);
  const compare = (register: number, value: number | null): void => {
    if (value !== null) code.unshift(make(EBPF.JUMP_NOT_EQUAL, register, value, code.length));
  };
  compare(MINOR, minor);
  compare(MAJOR, major);
  compare(TYPE, type);
  return code;
}

/** What a rule does about a device that it is for. */
function verdict(allow: boolean, access: number): Instruction[] {
  if (access === ALL_ACCESS) return answer(allow);
  if (allow)
    return [make(EBPF.AND, WANTED, ~access & ALL_ACCESS), make(EBPF.JUMP_NOT_EQUAL, WANTED, 0, 2), ...answer(true)];
  return [make(EBPF.JUMP_ANY_BIT, WANTED, access, 1), make(EBPF.JUMP, 0, 0, 2), ...answer(false)];
}

/** `struct bpf_insn`s, little-endian. */
function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * INSTRUCTION_SIZE);
  const view = new DataView(bytes.buffer);
  for (const [index, { code, to, from, offset, value }] of program.entries()) {
    const at = index * INSTRUCTION_SIZE;
    view.setUint8(at, code);
    view.setUint8(at + 1, (from << 4) | to);
    view.setInt16(at + 2, offset, true);
    view.setInt32(at + 4, value, true);
  }
  return bytes;
}
