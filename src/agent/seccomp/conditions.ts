import { and, BPF, type Instruction, jumpIf, load, ret } from './bpf.ts';
import type { Condition, Operator, Verdict } from './rules.ts';

const ARGUMENTS_OFFSET = 16;

/** Code for a system call that is judged by its arguments; ends in a return on every way. `wide`: 64-bit arguments. */
export function verdictCode({ alternatives, otherwise }: Verdict, byDefault: number, wide: boolean): Instruction[] {
  const code: Instruction[] = [];
  for (const { conditions, ret: value } of alternatives) {
    // From the last condition to the first: each must know how far behind itself the next alternative begins.
    let rest = [ret(value)];
    for (const condition of [...conditions].reverse()) rest = [...conditionCode(condition, rest.length, wide), ...rest];
    code.push(...rest);
  }
  code.push(ret(otherwise ?? byDefault));
  return code;
}

/** Falls out at its end when the condition holds; else passes over `skip` more instructions. */
function conditionCode(condition: Condition, skip: number, wide: boolean): Instruction[] {
  const { operator } = condition;
  const at = ARGUMENTS_OFFSET + condition.index * 8;
  const mask = operator === 'MASKED_EQ' ? condition.value : undefined;
  const value = mask === undefined ? condition.value : condition.valueTwo & mask;
  const low = half(value, 0n);
  const lowCode = maskedLoad(at, mask === undefined ? undefined : half(mask, 0n));
  if (!wide) return [...lowCode, compareLow(operator, low, skip)];
  const highCode = maskedLoad(at + 4, mask === undefined ? undefined : half(mask, 32n));
  // What is left after the high half has been looked at, and by the low half.
  const rest = [...lowCode, compareLow(operator, low, skip)];
  return [...highCode, ...compareHigh(operator, half(value, 32n), rest.length, skip), ...rest];
}

/** Decides by the high half alone where it can, else falls to the low one. `rest` instructions later the condition holds. */
function compareHigh(operator: Operator, high: number, rest: number, skip: number): Instruction[] {
  const holds = rest;
  const fails = rest + skip;
  switch (operator) {
    case 'EQ':
    case 'MASKED_EQ':
      return [jumpIf(BPF.JUMP_EQ, high, 0, fails)];
    case 'NE':
      return [jumpIf(BPF.JUMP_EQ, high, 0, holds)];
    case 'GT':
    case 'GE':
      return [jumpIf(BPF.JUMP_GT, high, holds + 1, 0), jumpIf(BPF.JUMP_EQ, high, 0, fails)];
    case 'LT':
    case 'LE':
      return [jumpIf(BPF.JUMP_GT, high, fails + 1, 0), jumpIf(BPF.JUMP_EQ, high, 0, holds)];
  }
}

function compareLow(operator: Operator, low: number, skip: number): Instruction {
  switch (operator) {
    case 'EQ':
    case 'MASKED_EQ':
      return jumpIf(BPF.JUMP_EQ, low, 0, skip);
    case 'NE':
      return jumpIf(BPF.JUMP_EQ, low, skip, 0);
    case 'GT':
      return jumpIf(BPF.JUMP_GT, low, 0, skip);
    case 'GE':
      return jumpIf(BPF.JUMP_GE, low, 0, skip);
    case 'LT':
      return jumpIf(BPF.JUMP_GE, low, skip, 0);
    case 'LE':
      return jumpIf(BPF.JUMP_GT, low, skip, 0);
  }
}

function maskedLoad(offset: number, mask: number | undefined): Instruction[] {
  return mask === undefined ? [load(offset)] : [load(offset), and(mask)];
}

function half(value: bigint, shift: bigint): number {
  return Number((value >> shift) & 0xffff_ffffn);
}
