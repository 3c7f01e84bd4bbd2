import { type ErrorCode, KataError } from '../../errors/kata-error.ts';

/** What is known when a guest did not come up. */
export interface GuestFailureFacts {
  /** What was waited for and what happened: `the guest is expected to … , QEMU ended with 1`. */
  happened: string;
  /** What QEMU wrote to its standard error. */
  stderr: readonly string[];
  /** The last lines of the guest's console. */
  console: readonly string[];
  memoryMib: number;
}

const QUOTED_LINES = 12;
/** Below this a failure is put down to memory even when nobody says so: the kernel may not get as far as a word. */
const SMALL_MEMORY_MIB = 128;

/** What Linux, QEMU's loader and our agent say when there is not enough memory. */
const MEMORY_WORDS =
  /out of memory|not enough memory|deadlocked on memory|cannot allocate memory|failed to allocate|ENOMEM|initramfs unpacking failed|no space left|initrd is too large|does not fit|overlapping address|ROM regions/i;
const PANIC = /Kernel panic - not syncing: .*/;

/** The error for a guest that did not come up: what happened, then what the guest or QEMU said about it. */
export function guestFailure(code: ErrorCode, facts: GuestFailureFacts): KataError {
  const { happened, stderr, console: lines, memoryMib } = facts;
  const panicAt = lines.findIndex((line) => PANIC.test(line));
  // What comes behind a panic is a list of addresses.
  const told = panicAt < 0 ? lines : lines.slice(0, panicAt + 1);
  const memoryWords = [...stderr, ...told]
    .map((line) => MEMORY_WORDS.exec(line)?.[0])
    .find((text) => text !== undefined);
  const tooSmall = memoryWords !== undefined || memoryMib < SMALL_MEMORY_MIB;
  const parts = [happened];
  if (stderr.length > 0) parts.push(`QEMU said: ${stderr.slice(-QUOTED_LINES).join(' | ')}`);
  if (panicAt >= 0) parts.push(`the guest said: ${PANIC.exec(lines[panicAt]!)![0]}`);
  if (tooSmall) {
    const why = memoryWords === undefined ? 'which may be too little' : `which is too little ("${memoryWords}")`;
    parts.push(`the VM has default_memory = ${memoryMib} MiB, ${why}`);
  }
  if (told.length > 0) parts.push(`the console's last lines:\n${told.slice(-QUOTED_LINES).join('\n')}`);
  else if (stderr.length === 0) parts.push("the guest's console is empty");
  return new KataError(code, parts.join('; '), { hint: hintFor(tooSmall, lines.length > 0, memoryMib) });
}

function hintFor(memory: boolean, said: boolean, memoryMib: number): string {
  if (memory) return `raise default_memory in [hypervisor.qemu] above ${memoryMib}`;
  if (said) return "set enable_debug = true in [hypervisor.qemu] to see all that the guest's kernel says";
  return 'see whether kernel and initrd in [hypervisor.qemu] belong together, and whether default_memory is enough';
}
