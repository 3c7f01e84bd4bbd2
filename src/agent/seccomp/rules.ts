import { KataError } from '../../errors/kata-error.ts';
import type { LinuxSeccomp, LinuxSeccompArg } from '../../protocols/gen/oci.ts';
import { returnValue } from './action.ts';
import type { Architecture } from './architecture.ts';
import { multiplexedCall } from './multiplexed.ts';

const OPERATORS = ['NE', 'LT', 'LE', 'EQ', 'GE', 'GT', 'MASKED_EQ'] as const;
export type Operator = (typeof OPERATORS)[number];

/** A comparison of one argument, unsigned. MASKED_EQ: `(argument & value) == (valueTwo & value)`. */
export interface Condition {
  index: number;
  operator: Operator;
  value: bigint;
  valueTwo: bigint;
}

/** What becomes of a system call: the first alternative all of whose conditions hold, else `otherwise`. */
export interface Verdict {
  alternatives: { conditions: Condition[]; ret: number }[];
  /** Undefined: the profile's default. */
  otherwise: number | undefined;
}

export interface ArchitectureRules {
  verdicts: Map<number, Verdict>;
  /** The largest system call that the profile names, -1 when it names none: later ones were unknown to its author. */
  last: number;
}

/** Numbers from here on are private to an architecture (ARM) and say nothing about the kernel's age. */
const PRIVATE_NUMBERS = 0xf_0000;

/**
 * A profile's rules for one architecture, by number. As libseccomp has it, so that profiles mean here what they mean
 * under runc: names that the architecture doesn't have are skipped; a rule without conditions wins over those with, and
 * the first such rule over later ones; a rule whose outcome is the default's is none.
 */
export function architectureRules(
  seccomp: LinuxSeccomp,
  architecture: Architecture,
  byDefault: number,
): ArchitectureRules {
  const table = architecture.table();
  const verdicts = new Map<number, Verdict>();
  let last = -1;
  for (const [index, rule] of seccomp.syscalls.entries()) {
    const path = `linux.seccomp.syscalls[${index}]`;
    const ret = returnValue(rule.action, rule.errnoRet, `${path}.action`);
    const alternatives = alternativesOf(rule.args, path);
    // One for all the names: a rule without conditions is never added to.
    const plain: Verdict | undefined = alternatives.length === 0 ? { alternatives: [], otherwise: ret } : undefined;
    const isX86 = architecture.name === 'SCMP_ARCH_X86' && plain !== undefined;
    for (const name of rule.names) {
      const number = table.get(name);
      if (number !== undefined) {
        if (number > last && (number & 0xfff_ffff) < PRIVATE_NUMBERS) last = number;
        if (ret !== byDefault) {
          if (plain === undefined) addConditions(verdicts, number, alternatives, ret);
          else if (verdicts.get(number)?.otherwise === undefined) verdicts.set(number, plain);
        }
      }
      const call = isX86 && ret !== byDefault ? multiplexedCall(name) : undefined;
      if (call !== undefined) addConditions(verdicts, table.get(call.through)!, [[call.condition]], ret);
    }
  }
  return { verdicts, last };
}

function addConditions(
  verdicts: Map<number, Verdict>,
  number: number,
  alternatives: readonly Condition[][],
  ret: number,
): void {
  let verdict = verdicts.get(number);
  if (verdict === undefined) {
    verdict = { alternatives: [], otherwise: undefined };
    verdicts.set(number, verdict);
  }
  if (verdict.otherwise !== undefined) return;
  for (const conditions of alternatives) verdict.alternatives.push({ conditions, ret });
}

/**
 * All conditions of a rule must hold; but when an argument is compared twice, any of the rule's conditions is enough, as
 * runc has it: profiles list several values of one argument that way.
 */
function alternativesOf(args: readonly LinuxSeccompArg[], path: string): Condition[][] {
  if (args.length === 0) return [];
  const conditions = args.map((arg, index) => condition(arg, `${path}.args[${index}]`));
  const repeats = new Set(conditions.map(({ index }) => index)).size < conditions.length;
  return repeats ? conditions.map((each) => [each]) : [conditions];
}

function condition(arg: LinuxSeccompArg, path: string): Condition {
  if (arg.index > 5n)
    throw new KataError('invalid-argument', `${path}.index: expected 0 to 5, found ${arg.index}`, {
      hint: 'correct the seccomp profile',
    });
  const operator = OPERATORS.find((each) => arg.op === `SCMP_CMP_${each}`);
  if (operator === undefined)
    throw new KataError('invalid-argument', `${path}.op: expected an operator like SCMP_CMP_EQ, found '${arg.op}'`, {
      hint: 'correct the seccomp profile',
    });
  return { index: Number(arg.index), operator, value: arg.value, valueTwo: arg.valueTwo };
}
