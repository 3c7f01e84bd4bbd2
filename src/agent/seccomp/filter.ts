import type { LinuxSeccomp } from '../../protocols/gen/oci.ts';
import { ENOSYS, goesOn, RET, returnValue } from './action.ts';
import { type Architecture, architecturesOf, type NativeArchitecture, X32_BIT } from './architecture.ts';
import { branch, encode, type Instruction, load, onlyIfEqual, ret } from './bpf.ts';
import { verdictCode } from './conditions.ts';
import { filterFlags } from './flags.ts';
import { architectureRules } from './rules.ts';

/** A filter ready for seccomp(2). */
export interface SeccompFilter {
  /** `struct sock_filter`s, 8 bytes each. */
  instructions: Uint8Array;
  /** The flags argument of SECCOMP_SET_MODE_FILTER. */
  flags: number;
}

const NUMBER_OFFSET = 0;
const ARCHITECTURE_OFFSET = 4;
/** No system call: what a tracer leaves to skip one, and what probing programs try. */
const NO_NUMBER = 0xffff_ffff;

/**
 * A profile as a program of classic BPF (seccomp(2), config-linux.md Seccomp): the architecture first, then a binary
 * search over the numbers, then the arguments. A program of an architecture that the profile doesn't list is killed.
 *
 * A system call that is newer than any the profile names fails with ENOSYS, not with the default's EPERM: C libraries
 * try the new call and fall back on ENOSYS alone. runc does the same.
 */
export function compileSeccomp(seccomp: LinuxSeccomp, native: NativeArchitecture): SeccompFilter {
  const byDefault = returnValue(seccomp.defaultAction, seccomp.defaultErrnoRet, 'linux.seccomp.defaultAction');
  const unknown = goesOn(byDefault) ? byDefault : RET.ERRNO + ENOSYS;
  const segments = new Map<number, { wide: boolean; segments: Segment[] }>();
  for (const architecture of architecturesOf(seccomp.architectures, native)) {
    const part = architectureSegments(seccomp, architecture, byDefault, unknown);
    const known = segments.get(architecture.audit);
    if (known === undefined) segments.set(architecture.audit, { wide: architecture.wide, segments: part });
    else known.segments = known.segments.filter(({ start }) => start < X32_BIT).concat(part);
  }
  const program = [load(ARCHITECTURE_OFFSET)];
  for (const [audit, { segments: parts }] of segments)
    program.push(...onlyIfEqual(audit, [load(NUMBER_OFFSET), ...searchCode(parts, 0, parts.length)]));
  program.push(ret(RET.KILL_PROCESS));
  return { instructions: encode(program), flags: filterFlags(seccomp.flags) };
}

/** Numbers from `start` to the next segment's, and what becomes of them: one return value, or code. */
interface Segment {
  start: number;
  outcome: number | Instruction[];
}

/**
 * The whole range of numbers of one architecture. x32 shares x86-64's, marked by a bit: numbers with it are killed when
 * x32 isn't listed, replaced by x32's own segments when it is.
 */
function architectureSegments(
  seccomp: LinuxSeccomp,
  architecture: Architecture,
  byDefault: number,
  unknown: number,
): Segment[] {
  const { verdicts, last } = architectureRules(seccomp, architecture, byDefault);
  const segments: Segment[] = [];
  let next = architecture.name === 'SCMP_ARCH_X32' ? X32_BIT : 0;
  // A profile that names no system call at all says nothing about what its author knew.
  const unnamed = (number: number): number => (last >= 0 && number > last ? unknown : byDefault);
  const fill = (upTo: number): void => {
    if (next >= upTo) return;
    if (next <= last) append(segments, next, byDefault);
    if (upTo > last + 1) append(segments, Math.max(next, last + 1), unnamed(upTo));
  };
  // A typed array is sorted without a call for each comparison.
  for (const number of new Uint32Array(verdicts.keys()).sort()) {
    fill(number);
    const verdict = verdicts.get(number)!;
    const isPlain = verdict.alternatives.length === 0;
    append(segments, number, isPlain ? verdict.otherwise! : verdictCode(verdict, byDefault, architecture.wide));
    next = number + 1;
  }
  const sharesWithX32 = architecture.name === 'SCMP_ARCH_X86_64';
  fill(sharesWithX32 ? X32_BIT : NO_NUMBER);
  if (sharesWithX32) append(segments, X32_BIT, RET.KILL_PROCESS);
  append(segments, NO_NUMBER, unnamed(NO_NUMBER));
  return segments;
}

/** Neighbours with the same plain outcome are one. */
function append(segments: Segment[], start: number, outcome: Segment['outcome']): void {
  if (segments.at(-1)?.outcome !== outcome) segments.push({ start, outcome });
}

/** A binary search for the segment, from `first` to before `end`, that A is in. */
function searchCode(segments: readonly Segment[], first: number, end: number): Instruction[] {
  if (end - first === 1) {
    const { outcome } = segments[first]!;
    return typeof outcome === 'number' ? [ret(outcome)] : outcome;
  }
  const middle = (first + end) >> 1;
  return branch(segments[middle]!.start, searchCode(segments, first, middle), searchCode(segments, middle, end));
}
