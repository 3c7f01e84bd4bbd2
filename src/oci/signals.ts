import { KataError } from '../errors/kata-error.ts';

/** Signal numbers of Linux on x86-64 and arm64 (signal(7)). */
const NUMBERS: Readonly<Record<string, number>> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  STKFLT: 16,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  XCPU: 24,
  XFSZ: 25,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
  IO: 29,
  PWR: 30,
  SYS: 31,
};
const ALIASES: Readonly<Record<string, number>> = { IOT: 6, CLD: 17, POLL: 29 };

/** First and last real-time signal as C libraries count them: glibc keeps 32 and 33 for itself. */
const RTMIN = 34;
const RTMAX = 64;

/**
 * The number of a signal written as people and images write it: `SIGTERM`, `term`, `15`, `RTMIN+3`, `SIGRTMAX-1`.
 * Throws `invalid-argument` for anything else.
 */
export function parseSignal(text: string): number {
  const number = /^\d+$/.test(text) ? Number(text) : numberOf(text.toUpperCase().replace(/^SIG/, ''));
  if (number !== undefined && number >= 1 && number <= RTMAX) return number;
  throw new KataError('invalid-argument', `signal: expected a name or a number from 1 to 64, found '${text}'`, {
    hint: 'write it like SIGTERM, TERM, 15 or RTMIN+3',
  });
}

function numberOf(name: string): number | undefined {
  const known = Object.hasOwn(NUMBERS, name) ? NUMBERS[name] : Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined;
  if (known !== undefined) return known;
  const realTime = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (realTime === null) return undefined;
  const [, base, sign, digits] = realTime;
  if (sign !== undefined && (base === 'MIN') !== (sign === '+')) return undefined;
  const offset = Number(digits ?? 0);
  const number = base === 'MIN' ? RTMIN + offset : RTMAX - offset;
  return number >= RTMIN && number <= RTMAX ? number : undefined;
}

/** `SIGTERM` for 15, `SIGRTMIN+3` for 37; a number that has no name comes back as digits. */
export function signalName(number: number): string {
  for (const [name, value] of Object.entries(NUMBERS)) if (value === number) return `SIG${name}`;
  if (number === RTMIN) return 'SIGRTMIN';
  if (number > RTMIN && number <= RTMAX) return `SIGRTMIN+${number - RTMIN}`;
  return String(number);
}
